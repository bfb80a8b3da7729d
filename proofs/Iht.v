(* The chapter "One layer is the first step": convergence in the model, with noise. *)
Require Import Layer Reconstruction.

Section Iht.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variables (w : Place -> Coord -> R) (model : (Place -> bool) -> Prop).
Notation W := (W w).
Notation Wᵀ := (Wᵀ w).
Notation RIP := (RIP w model).
Notation pools := (pools model).
Notation code := (Place -> R).
Notation signal := (Coord -> R).
Notation places := (Place -> bool).
Implicit Types (x r : signal) (u z : code) (S T Ŝ : places).

(* One step of length μ: z' = M(zⱼ + μ W(x - Wᵀ zⱼ), k), and Ŝ are the places that pooling keeps.
   *)
Definition step μ x zⱼ Ŝ z' :=
  let u := zⱼ ⊕ μ ⊙ W (x ⊖ Wᵀ zⱼ) in pools u Ŝ /\ z' = u ↾ Ŝ.

(* Theorem "Convergence in the model": one step with μ = 1, from any code of the model. *)
Definition Iht_step :=
  forall δ₂ δ₃ z r zⱼ z' S Sⱼ Ŝ, 0 <= δ₂ -> 0 <= δ₃ -> RIP 2 δ₂ -> RIP 3 δ₃ ->
  model S -> off S z -> model Sⱼ -> off Sⱼ zⱼ -> step 1 (Wᵀ z ⊕ r) zⱼ Ŝ z' ->
  ‖z' ⊖ z‖ <= φ * δ₃ * ‖zⱼ ⊖ z‖ + φ * sqrt (1 + δ₂) * ‖r‖.

(* Theorem "Convergence in the model": all steps. *)
Definition Iht_converges :=
  forall δ₂ δ₃ z r S S₀ (Z : nat -> code) (Ŝ : nat -> places), 0 <= δ₂ -> 0 <= δ₃ ->
  RIP 2 δ₂ -> RIP 3 δ₃ -> model S -> off S z -> model S₀ -> off S₀ (Z O) ->
  (forall j, step 1 (Wᵀ z ⊕ r) (Z j) (Ŝ j) (Z (1 + j)%nat)) ->
  let ρ := φ * δ₃ in ρ < 1 ->
  forall j, ‖Z j ⊖ z‖ <= ρ^j * ‖Z O ⊖ z‖ + φ * sqrt (1 + δ₂) / (1 - ρ) * ‖r‖.

(* Proofs. *)

Theorem iht_step : Iht_step.
Proof.
  intros δ₂ δ₃ z r zⱼ z' S Sj T D2 D3 R2 R3 HS Z HJ ZJ [B ->].
  set (u := zⱼ ⊕ 1 ⊙ W (Wᵀ z ⊕ r ⊖ Wᵀ zⱼ)) in *.
  set (d := z ⊖ zⱼ).
  assert (P : 0 < φ) by apply (Λ_spec 1 ltac:(lra)).
  eapply Rle_trans; [apply (golden model u z S T); auto |].
  assert (E : (u ⊖ z) ↾ (S ∪ T) = (W (Wᵀ d) ⊖ d) ↾ (S ∪ T) ⊕ W r ↾ (S ∪ T)).
  { unfold u, d. rewrite Wᵀ_sub, !W_sub, W_add. extensionality p. unfold on, add, sub, scale.
    destruct ((S ∪ T) p); ring. }
  assert (A : ‖(W (Wᵀ d) ⊖ d) ↾ (S ∪ T)‖ <= δ₃ * ‖zⱼ ⊖ z‖).
  { assert (HT : Ms model 3 (Sj ∪ (S ∪ T))) by (apply Ms_3; auto; apply B).
    assert (O : off (Sj ∪ (S ∪ T)) d).
    { apply off_sub; [apply (off_mono S) | apply (off_mono Sj)]; auto; unfold union; intros p ->;
        auto using orb_true_r. }
    apply norm_le_norm; auto. replace (‖zⱼ ⊖ z‖²) with (‖d‖²) by (unfold d; expand; ring).
    eapply Rle_trans; [| exact (crosstalk_at w model 3 δ₃ _ d R3 HT O)].
    eapply Rle_trans; [| apply (on_le _ (S ∪ T))]. right.
    f_equal; extensionality p; unfold on, union; destruct (Sj p), (S p), (T p); auto. }
  assert (N : ‖W r ↾ (S ∪ T)‖ <= sqrt (1 + δ₂) * ‖r‖).
  { apply norm_le_norm; [apply sqrt_pos |]. rewrite <- Rsqr_pow2, Rsqr_sqrt by lra.
    apply (heard w model 2); auto. apply Ms_2; auto; apply B. }
  rewrite E. pose proof (triangle ((W (Wᵀ d) ⊖ d) ↾ (S ∪ T)) (W r ↾ (S ∪ T))). nra.
Qed.

Theorem iht_converges : Iht_converges.
Proof.
  intros δ₂ δ₃ z r S S0 Z T D2 D3 R2 R3 HS Sz H00 O0 St ρ Hr.
  assert (P : 0 < φ) by apply (Λ_spec 1 ltac:(lra)).
  assert (V : forall j, exists A, model A /\ off A (Z j)).
  { destruct j as [| j]; [eauto |]. change (Datatypes.S j) with (1 + j)%nat.
    destruct (St j) as [[HT _] ->]. eauto using off_on. }
  assert (0 <= ρ) by (unfold ρ; nra).
  assert (C : 0 <= φ * sqrt (1 + δ₂) / (1 - ρ) * ‖r‖).
  { apply Rmult_le_pos; [| apply sqrt_pos].
    apply Rmult_le_pos; [pose proof (sqrt_pos (1 + δ₂)); nra | left; apply Rinv_0_lt_compat; lra].
    }
  induction j as [| j IH]; [simpl; lra |]. destruct (V j) as (A & HA & OA).
  eapply Rle_trans; [eapply (iht_step δ₂ δ₃ z r (Z j) _ S A (T j)); eauto |]. fold ρ.
  replace (φ * sqrt (1 + δ₂) * ‖r‖) with ((1 - ρ) * (φ * sqrt (1 + δ₂) / (1 - ρ) * ‖r‖))
    by (field; lra).
  simpl. nra.
Qed.
End Iht.
