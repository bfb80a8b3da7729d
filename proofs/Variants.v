(* The chapter "There and back, with a guarantee": ReLU, pairs, windows. *)
Require Import Layer Pooling Reconstruction.

Section Variants.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variables (w : Place -> Coord -> R) (model : (Place -> bool) -> Prop).
Notation W := (W w).
Notation Wᵀ := (Wᵀ w).
Notation RIP := (RIP w model).
Notation Ms := (Ms model).
Notation pools := (pools model).
Notation code := (Place -> R).
Notation signal := (Coord -> R).
Notation places := (Place -> bool).
Implicit Types (x r : signal) (u z : code) (S T Ŝ : places).

Notation relu_pools := (relu_pools model).

(* Theorem "ReLU, pairs, windows" (a), the golden bound: the code. *)
Definition Relu_code_bound :=
  forall δ₂ z S Ŝ, 0 <= δ₂ -> RIP 2 δ₂ -> model S -> off S z -> (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖W x ↾ Ŝ ⊖ z‖ <= φ * δ₂ * ‖z‖.

(* Theorem "ReLU, pairs, windows" (a), the golden bound: the signal. *)
Definition Relu_reconstruction :=
  forall δ₁ δ₂ z S Ŝ, 0 <= δ₂ -> δ₁ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S -> off S z ->
  (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= φ * δ₂ * sqrt ((1 + δ₂) / (1 - δ₁)) * ‖x‖.

(* Theorem "ReLU, pairs, windows" (a), the direct bound. *)
Definition Relu_direct :=
  forall δ₁ δ₂ z S Ŝ, 0 <= δ₁ -> 0 <= δ₂ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S -> off S z ->
  (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= δ₂ * Λ (sqrt ((1 + δ₁) / (1 - δ₂))) * ‖x‖.

(* Theorem "ReLU, pairs, windows" (a), the energy bound. *)
Definition Relu_energy :=
  forall δ z S Ŝ, 0 <= δ < 1 -> RIP 1 δ -> model S -> off S z -> (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= sqrt (2 * δ - δ^2) * ‖x‖.

(* Proofs. *)

(* The one new line: a lost place where u < 0 is part of the error already. *)
Lemma won_and_lost_relu (u z : Place -> R) S T s : 0 <= s ->
  (forall p, 0 <= z p) -> off S z -> (forall p,
    T p = true -> 0 < u p) -> ‖relu u ↾ S‖² <= ‖relu u ↾ T‖² ->
  let r := u ↾ (S ∖ T) in let e := (u ⊖ z) ↾ (S ∪ T) in
  u ↾ T ⊖ z = e ⊖ r /\ ‖r‖² <= ‖e ⊕ s ⊙ r‖².
Proof.
  intros Hs Pz Z Pu B r e.
  assert (Z' : forall p, S p = false -> z p = 0) by (intros p E;
    apply (f_equal (fun f => f p)) in Z; unfold on in Z; now rewrite E in Z).
  split.
  - subst r e. extensionality p. specialize (Z' p). unfold on, sub, union, minus.
    destruct (S p), (T p); simpl; try rewrite Z' by auto; ring.
  - enough (‖r‖² + ‖relu u ↾ T‖² <= ‖e ⊕ s ⊙ r‖² + ‖relu u ↾ S‖²) by lra.
    unfold dot. rewrite <- !sum_add. apply sum_le; intro p. specialize (Z' p). specialize (Pz p).
    specialize (Pu p). subst r e.
    unfold on, add, sub, scale, union, minus, relu. pose proof (pow2_ge_0 (u p - z p)).
    pose proof (pow2_ge_0 (u p - z p + s * u p)).
    destruct (Rmax_cases (u p)) as [[L ->] | [L ->]]; destruct (S p), (T p); simpl;
      try rewrite Z' by auto; try (specialize (Pu eq_refl)); try lra.
    assert (u p - z p + s * u p <= u p) by nra. nra.
Qed.

Theorem relu_code_bound : Relu_code_bound.
Proof.
  intros δ₂ z S T D R2 HS Z Pz x [[HT B] Pu]. destruct (Λ_spec 1 ltac:(lra)) as [L _].
  destruct (won_and_lost_relu (W x) z S T (/ (1 * Λ 1)) ltac:(left;
    apply Rinv_0_lt_compat; lra) Pz Z Pu (B S HS)) as [-> K].
  apply norm_le_norm; [unfold φ; nra |]. eapply Rle_trans; [apply (two_variables _ _ 1); lra |].
  fold φ.
  rewrite Rpow_mult_distr, Rmult_assoc. apply Rmult_le_compat_l; [apply pow2_ge_0 |].
  apply (crosstalk_at w model 2); auto; [apply Ms_2; auto | apply (off_mono S); auto;
    unfold union;
    intros p ->; auto].
Qed.
Theorem relu_energy : Relu_energy.
Proof.
  intros δ z S T D R1 HS Z Pz x [[HT B] Pu]. apply norm_le_norm; [apply sqrt_pos |].
  rewrite <- Rsqr_pow2, Rsqr_sqrt by nra.
  rewrite error_identity. pose proof (rip _ _ _ _ _ _ R1 (Ms_1 _ _ HT) (off_on T (W x))) as [_ U].
  pose proof (rip _ _ _ _ _ _ R1 (Ms_1 _ _ HS) Z) as [L _]. fold x in L. specialize (B S HS).
  rewrite (relu_kept (W x) T Pu) in B.
  assert (E : ‖x‖² <= ⟨z, relu (W x) ↾ S⟩).
  { unfold x at 1. rewrite adjoint. fold x. rewrite <- dot_on. unfold off in Z. rewrite Z.
    apply sum_le; intro p. unfold relu.
    apply Rmult_le_compat_l; auto. apply Rmax_l. }
  pose proof (pos (relu (W x) ↾ S ⊖ (1 - δ) ⊙ z)) as Q. expand.
  rewrite (dot_sym (relu (W x) ↾ S) z) in Q.
  apply (Rmult_le_compat_l (1 - δ)) in L; [| lra].
  apply (Rmult_le_compat_l (2 * (1 - δ))) in E; [| lra].
  assert (K : (1 - δ) * ‖x‖² <= ‖W x ↾ T‖²) by lra. apply (Rmult_le_compat_l (1 - δ)) in K; lra.
Qed.
Theorem relu_reconstruction : Relu_reconstruction.
Proof.
  intros δ₁ δ₂ z S T D2 D1 R1 R2 HS Z Pz x B. destruct (Λ_spec 1 ltac:(lra)) as [L _].
  apply (signal_bound w model _ _ _ _ S T); auto; [unfold φ; nra | apply B | apply off_on |].
  now apply (relu_code_bound δ₂ z S T).
Qed.
Theorem relu_direct : Relu_direct.
Proof.
  intros δ₁ δ₂ z S T D1 D2 R1 R2 HS Z Pz x [[HT B] Pu].
  apply (direct_from w model δ₁ δ₂ z S T); auto.
  intros s Hs. now apply won_and_lost_relu; auto.
Qed.
End Variants.
