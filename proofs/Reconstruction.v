(* The chapter "There and back, with a guarantee": what comes back from the pooled code.
   x̂ is Wᵀ (W x ↾ Ŝ), with Ŝ the places that pooling keeps. *)
Require Import Layer.

(* The larger root of a^2 = ρ a + 1; the golden ratio φ is the one for ρ = 1. *)
Definition Λ ρ := (ρ + sqrt (ρ^2 + 4)) / 2.
Definition φ := Λ 1.

Section Reconstruction.
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

(* Proposition "The right places": if pooling finds the places of z, only the values are wrong. *)
Definition Right_places :=
  forall δ z Ŝ, 0 <= δ -> RIP 1 δ -> model Ŝ -> off Ŝ z ->
  let x := Wᵀ z in ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= δ * ‖x‖.

(* Lemma "Pooling a perturbed code": pooling multiplies the error of a code by at most φ. *)
Definition Golden :=
  forall u z S Ŝ, off S z -> model S -> pools u Ŝ ->
  ‖u ↾ Ŝ ⊖ z‖ <= φ * ‖(u ⊖ z) ↾ (S ∪ Ŝ)‖.

(* Theorem "Reconstruction, from δ_2k", first line: the code. *)
Definition Code_bound :=
  forall δ₂ z S Ŝ, 0 <= δ₂ -> RIP 2 δ₂ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖W x ↾ Ŝ ⊖ z‖ <= φ * δ₂ * ‖z‖.

(* Theorem "Reconstruction, from δ_2k", second line: the signal. *)
Definition Reconstruction :=
  forall δ₁ δ₂ z S Ŝ, 0 <= δ₂ -> δ₁ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= φ * δ₂ * sqrt ((1 + δ₂) / (1 - δ₁)) * ‖x‖.

(* Theorem "Reconstruction, directly". *)
Definition Direct :=
  forall δ₁ δ₂ z S Ŝ, 0 <= δ₁ -> 0 <= δ₂ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= δ₂ * Λ (sqrt ((1 + δ₁) / (1 - δ₂))) * ‖x‖.

(* Proposition "The error, from the code alone": for every x and every set of places. *)
Definition Error_identity :=
  forall x T, let ẑ := W x ↾ T in
  ‖Wᵀ ẑ ⊖ x‖² = ‖x‖² - 2 * ‖ẑ‖² + ‖Wᵀ ẑ‖².

(* Theorem "Energy": for every x, and every code z of the model, hence also for the nearest. *)
Definition Energy :=
  forall δ x z S Ŝ, δ < 1 -> RIP 1 δ -> model S -> off S z -> pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖² <= ‖x‖² - (1 - δ)^2 * (‖x‖² - ‖x ⊖ Wᵀ z‖²).

(* Theorem "Energy", for a signal of the model: below 1 for every δ_k below 1. *)
Definition Energy_on_the_model :=
  forall δ z S Ŝ, 0 <= δ < 1 -> RIP 1 δ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= sqrt (2 * δ - δ^2) * ‖x‖.

(* Corollary "The gain": the best multiple of the reconstruction is known from the code alone, for
   every x; for a signal of the model it leaves at most the error of the last line. *)
Definition Gain :=
  forall x Ŝ, let ẑ := W x ↾ Ŝ in let g := ‖ẑ‖² / ‖Wᵀ ẑ‖² in 0 < ‖Wᵀ ẑ‖² ->
  (forall t, ‖g ⊙ Wᵀ ẑ ⊖ x‖² <= ‖t ⊙ Wᵀ ẑ ⊖ x‖²) /\
  forall δᵤ δₗ z S, 0 <= δᵤ -> δₗ < 1 ->
  (forall y, M model 1 y -> (1 - δₗ) * ‖y‖² <= ‖Wᵀ y‖² <= (1 + δᵤ) * ‖y‖²) ->
  model S -> off S z -> x = Wᵀ z -> pools (W x) Ŝ ->
  ‖g ⊙ Wᵀ ẑ ⊖ x‖ <= sqrt ((δᵤ + δₗ) / (1 + δᵤ)) * ‖x‖.

(* Proofs. *)

Lemma Λ_spec ρ : 0 <= ρ -> 0 < Λ ρ /\ (Λ ρ)^2 = ρ * Λ ρ + 1.
Proof.
  intro P. unfold Λ. pose proof (sqrt_sqrt (ρ^2 + 4) ltac:(nra)).
  pose proof (sqrt_lt_R0 (ρ^2 + 4) ltac:(nra)). set (q := sqrt _) in *. clearbody q.
  split; [lra | nra].
Qed.
Lemma φ_golden : φ = (1 + sqrt 5) / 2.
Proof. unfold φ, Λ. now replace (1^2 + 4) with 5 by ring. Qed.

(* What pooling loses and what wins instead: for every s, |r| <= |e + s r|. *)
Lemma won_and_lost u z S T s :
  off S z -> ‖u ↾ S‖² <= ‖u ↾ T‖² ->
  let r := u ↾ (S ∖ T) in let e := (u ⊖ z) ↾ (S ∪ T) in
  u ↾ T ⊖ z = e ⊖ r /\ ‖r‖² <= ‖e ⊕ s ⊙ r‖².
Proof.
  intros Z B r e. unfold off in Z. split.
  - subst r e. rewrite <- Z. places. destruct (S p), (T p); simpl; ring.
  - enough (‖r‖² + ‖u ↾ T‖² <= ‖e ⊕ s ⊙ r‖² + ‖u ↾ S‖²) by lra.
    unfold dot. rewrite <- !sum_add. apply sum_le; intro p. subst r e. rewrite <- Z.
    unfold on, add, sub, scale, union, minus.
    destruct (S p), (T p); simpl; [pose proof (Rle_0_sqr (u p - z p))
      | pose proof (Rle_0_sqr (u p - z p + s * u p)) | |]; unfold Rsqr in *; lra.
Qed.

(* Two variables and one quadratic form, in any space: |w| <= ρ |h + w / (ρ Λ)| gives |h
   - w| <= Λ |h|. *)
Lemma two_variables {A} `{Finite A} (h v : A -> R) ρ : 0 < ρ ->
  ‖v‖² <= ρ^2 * ‖h ⊕ (/ (ρ * Λ ρ)) ⊙ v‖² -> ‖h ⊖ v‖² <= (Λ ρ)^2 * ‖h‖².
Proof.
  intros P B. destruct (Λ_spec ρ ltac:(lra)) as [L Q]. set (a := Λ ρ) in *.
  clearbody a. expand. rewrite (dot_sym v h) in *.
  assert (Ha : 0 < a / ρ) by (apply Rdiv_lt_0_compat; lra).
  assert (E : a / ρ = 1 + / (ρ * a)).
  { replace (a / ρ) with (a^2 / (ρ * a)) by (field; lra). rewrite Q. field; lra. }
  apply (Rmult_le_compat_l (a / ρ) _ _ (Rlt_le _ _ Ha)) in B.
  assert (B' : a / ρ * ‖v‖² <= ρ * a * ‖h‖² + 2 * ⟨h, v⟩ + / (ρ * a) * ‖v‖²)
    by (eapply Rle_trans; [exact B | right; field; lra]).
  rewrite E in B'. rewrite Q. set (i := / (ρ * a)) in *. clearbody i. clear - B'. nra.
Qed.


(* Crosstalk: on a support T of M_k^s, |(W Wᵀ z - z)_T| <= d |z|. *)
Lemma polar E Z d : (forall c, 0 < c -> 4 * c * E <= d * (2 * (c^2 * Z + E))) -> 0 <= E ->
  0 <= Z ->
  E <= d^2 * Z.
Proof.
  intros P e z. destruct (Rlt_dec 0 d) as [D | D].
  - specialize (P d D). apply (Rmult_le_reg_l d); lra.
  - specialize (P 1 ltac:(lra)). nra.
Qed.
Lemma adj z x T : off T z -> ⟨z, W x ↾ T⟩ = ⟨Wᵀ z, x⟩.
Proof. intro Z. now rewrite <- dot_on, Z, adjoint. Qed.
Lemma crosstalk_at s d T z : RIP s d -> Ms s T -> off T z -> ‖(W (Wᵀ z) ⊖ z) ↾ T‖² <= d^2 * ‖z‖².
Proof.
  intros R HT Z. set (e := (W (Wᵀ z) ⊖ z) ↾ T). assert (O : off T e) by apply off_on.
  assert (E : ‖e‖² = ⟨Wᵀ e, Wᵀ z⟩ - ⟨e, z⟩).
  { rewrite adjoint, <- dot_sub_r.
    transitivity ⟨e ↾ T, W (Wᵀ z) ⊖ z⟩; [symmetry;
      exact (dot_on e (W (Wᵀ z) ⊖ z) T) | unfold off in O; now rewrite O]. }
  apply polar; [| apply pos | apply pos]. intros c _.
  pose proof (rip _ _ _ _ _ _ R HT (off_add _ _ _ (off_scale T c z Z) O)) as [_ P].
  pose proof (rip _ _ _ _ _ _ R HT (off_sub _ _ _ (off_scale T c z Z) O)) as [Q _].
  rewrite ?Wᵀ_add, ?Wᵀ_sub, ?Wᵀ_scale in *. expand.
  rewrite (dot_sym (Wᵀ z) (Wᵀ e)), (dot_sym z e) in P, Q. apply (f_equal (Rmult (4 * c))) in E.
  lra.
Qed.
Lemma heard s d T n : 0 <= d -> RIP s d -> Ms s T -> ‖W n ↾ T‖² <= (1 + d) * ‖n‖².
Proof.
  intros D R HT. set (v := W n ↾ T). assert (O : off T v) by apply off_on.
  assert (E : ‖v‖² = ⟨Wᵀ v, n⟩) by exact (adj v n T O).
  pose proof (rip _ _ _ _ _ _ R HT O) as [_ P]. pose proof (pos ((1 + d) ⊙ n ⊖ Wᵀ v)) as Q.
  expand. rewrite (dot_sym n (Wᵀ v)) in Q. nra.
Qed.
(* The same in the space of signals: |W' e| <= d |W' z|. No square roots of matrices. *)
Lemma crosstalk_in_signals s d T z : 0 <= d -> RIP s d -> Ms s T -> off T z ->
  ‖Wᵀ ((W (Wᵀ z) ⊖ z) ↾ T)‖² <= d^2 * ‖Wᵀ z‖².
Proof.
  intros D R HT Z. set (G := fun y => W (Wᵀ y) ↾ T).
  assert (OG : forall y, off T (G y)) by (intro; apply off_on).
  assert (A : forall v y, off T v -> ⟨v, G y⟩ = ⟨Wᵀ v, Wᵀ y⟩) by (intros v y V;
    exact (adj v (Wᵀ y) T V)).
  assert (P : forall y, off T y -> (1 - d) * ‖Wᵀ y‖² <= ‖G y‖² <= (1 + d) * ‖Wᵀ y‖²).
  { intros y Y. pose proof (rip _ _ _ _ _ _ R HT (OG y)) as [_ U].
    pose proof (rip _ _ _ _ _ _ R HT Y) as [L _].
    pose proof (A (G y) y (OG y)) as AG. pose proof (A y y Y) as AY.
    pose proof (pos ((1 + d) ⊙ Wᵀ y ⊖ Wᵀ (G y))) as Q. pose proof (pos ((1 - d) ⊙ y ⊖ G y)) as N.
    expand.
    rewrite (dot_sym (Wᵀ y) (Wᵀ (G y))) in Q. rewrite (dot_sym (G y) y) in N.
    pose proof (pos (Wᵀ y)). pose proof (pos (G y)). destruct (Rlt_dec d 1); split; nra. }
  set (e := (W (Wᵀ z) ⊖ z) ↾ T). assert (O : off T e) by apply off_on.
  assert (GZ : G z = z ⊕ e).
  { unfold G, e. extensionality p. unfold on, add, sub. apply (f_equal (fun f => f p)) in Z.
    unfold on in Z. destruct (T p); [ring | rewrite <- Z; ring]. }
  assert (E : ‖Wᵀ e‖² = ⟨G z, G e⟩ - ⟨Wᵀ z, Wᵀ e⟩).
  { rewrite A, GZ, Wᵀ_add, dot_add_l by auto. ring. }
  apply polar; [| apply pos | apply pos]. intros c _.
  assert (GA : forall t, G (c ⊙ z ⊕ t ⊙ e) = c ⊙ G z ⊕ t ⊙ G e).
  { intro t. unfold G. extensionality p. unfold on, add, scale, Layer.W. destruct (T p); [| ring].
    change (fun a => c * z a + t * e a) with (c ⊙ z ⊕ t ⊙ e). rewrite Wᵀ_add, !Wᵀ_scale. expand.
    ring. }
  assert (OA : forall t, off T (c ⊙ z ⊕ t ⊙ e)) by (intro; apply off_add; apply off_scale; auto).
  pose proof (P _ (OA 1)) as [_ P1]. pose proof (P _ (OA (-1))) as [P2 _].
  rewrite !GA, !Wᵀ_add, !Wᵀ_scale in P1, P2. expand.
  rewrite (dot_sym (G e) (G z)), (dot_sym (Wᵀ e) (Wᵀ z)) in *.
  apply (f_equal (Rmult (4 * c))) in E. clear - E P1 P2. lra.
Qed.

Theorem right_places : Right_places.
Proof.
  intros δ z T D R HT Z. apply norm_le_norm; [lra |]. rewrite <- Wᵀ_sub.
  replace (W (Wᵀ z) ↾ T ⊖ z) with ((W (Wᵀ z) ⊖ z) ↾ T)
    by (extensionality p; apply (f_equal (fun f => f p)) in Z; unfold on, sub in *;
      destruct (T p); [ring | rewrite <- Z; ring]).
  apply (crosstalk_in_signals 1); auto using Ms_1.
Qed.

Theorem golden : Golden.
Proof.
  intros u z S T Z HS [_ B]. destruct (Λ_spec 1 ltac:(lra)) as [L _].
  apply norm_le_norm; [unfold φ; lra |].
  destruct (won_and_lost u z S T (/ (1 * Λ 1)) Z (B S HS)) as [-> K].
  apply two_variables; lra.
Qed.

Theorem code_bound : Code_bound.
Proof.
  intros δ₂ z S T D R HS Z x B. eapply Rle_trans; [now apply (golden _ _ S) |].
  destruct (Λ_spec 1 ltac:(lra)) as [L _].
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [unfold φ; lra |]. apply norm_le_norm; auto.
  apply (crosstalk_at 2); auto; [apply Ms_2; auto; apply B | apply (off_mono S); auto;
    unfold union;
    intros p ->; auto].
Qed.
(* From a bound for the code to one for the signal. *)
Lemma signal_bound c δ₁ δ₂ z S T ẑ : 0 <= c -> 0 <= δ₂ -> δ₁ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ ->
  model S -> off S z -> model T -> off T ẑ -> ‖ẑ ⊖ z‖ <= c * ‖z‖ ->
  ‖Wᵀ ẑ ⊖ Wᵀ z‖ <= c * sqrt ((1 + δ₂) / (1 - δ₁)) * ‖Wᵀ z‖.
Proof.
  intros C0 D2 D1 R1 R2 HS Z HT Zh C. set (x := Wᵀ z).
  pose proof (rip _ _ _ _ _ _ R1 (Ms_1 _ _ HS) Z) as [L _]. fold x in L.
  assert (O : off (S ∪ T) (ẑ ⊖ z)).
  { apply off_sub; [apply (off_mono T) | apply (off_mono S)]; auto; unfold union; intros p ->;
      auto using orb_true_r. }
  pose proof (rip _ _ _ _ _ _ R2 (Ms_2 _ _ _ HS HT) O) as [_ U]. rewrite Wᵀ_sub in U. fold x in U.
  assert (Q : 0 <= (1 + δ₂) / (1 - δ₁)).
  { apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat; lra]. }
  apply norm_le_norm; [apply Rmult_le_pos; [auto | apply sqrt_pos] |].
  rewrite Rpow_mult_distr, <- Rsqr_pow2 with (x := sqrt _), Rsqr_sqrt by auto.
  apply Rle_trans with ((1 + δ₂) * (c^2 * ‖z‖²)).
  - eapply Rle_trans; [exact U |]. apply Rmult_le_compat_l; [lra |]. now apply square_le.
  - replace (c^2 * ((1 + δ₂) / (1 - δ₁)) * ‖x‖²) with ((1 + δ₂) * (c^2 * (‖x‖² / (1 - δ₁))))
      by (field; lra).
    apply Rmult_le_compat_l; [lra |]. apply Rmult_le_compat_l; [apply pow2_ge_0 |].
    apply (Rmult_le_reg_l (1 - δ₁)); [lra |].
    replace ((1 - δ₁) * (‖x‖² / (1 - δ₁))) with (‖x‖²) by (field; lra). exact L.
Qed.
Theorem reconstruction : Reconstruction.
Proof.
  intros δ₁ δ₂ z S T D2 D1 R1 R2 HS Z x B. destruct (Λ_spec 1 ltac:(lra)) as [L _].
  apply (signal_bound _ _ _ _ S T); auto; [unfold φ; nra | apply B | apply off_on |].
  now apply (code_bound δ₂ z S T).
Qed.

(* The direct bound for any pooling that loses no more than it wins. *)
Lemma direct_from δ₁ δ₂ z S T : 0 <= δ₁ -> 0 <= δ₂ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S ->
  off S z -> model T ->
  let x := Wᵀ z in let r := W x ↾ (S ∖ T) in let e := (W x ⊖ z) ↾ (S ∪ T) in
  (forall s, 0 <= s -> W x ↾ T ⊖ z = e ⊖ r /\ ‖r‖² <= ‖e ⊕ s ⊙ r‖²) ->
  ‖Wᵀ (W x ↾ T) ⊖ x‖ <= δ₂ * Λ (sqrt ((1 + δ₁) / (1 - δ₂))) * ‖x‖.
Proof.
  intros D1 D2 R1 R2 HS Z HT x r e Won. set (ρ := sqrt ((1 + δ₁) / (1 - δ₂))).
  assert (Q : 0 < (1 + δ₁) / (1 - δ₂)) by (apply Rdiv_lt_0_compat; lra).
  assert (P : 0 < ρ) by now apply sqrt_lt_R0.
  assert (P2 : ρ^2 = (1 + δ₁) / (1 - δ₂)) by (unfold ρ; rewrite <- Rsqr_pow2;
    apply Rsqr_sqrt; lra).
  destruct (Λ_spec ρ ltac:(lra)) as [L _]. set (t := / (ρ * Λ ρ)).
  destruct (Won t) as [E K]; [left; apply Rinv_0_lt_compat; nra |].
  assert (ST : off (S ∪ T) z) by (apply (off_mono S); auto; unfold union; intros p ->; auto).
  assert (HU : Ms 2 (S ∪ T)) by (apply Ms_2; auto).
  assert (OR : off S r) by (apply (off_mono (S ∖ T)); [unfold minus; intro p;
    now destruct (S p) | apply off_on]).
  assert (OE : off (S ∪ T) (e ⊕ t ⊙ r)) by (apply off_add; [apply off_on | apply (off_mono S);
    [unfold union; intros p ->; auto | now apply off_scale]]).
  pose proof (rip _ _ _ _ _ _ R1 (Ms_1 _ _ HS) OR) as [_ U].
  pose proof (rip _ _ _ _ _ _ R2 HU OE) as [V _].
  apply norm_le_norm; [nra |].
  replace (Wᵀ (W x ↾ T) ⊖ x) with (Wᵀ e ⊖ Wᵀ r) by (rewrite <- Wᵀ_sub, <- E, Wᵀ_sub; reflexivity).
  apply Rle_trans with ((Λ ρ)^2 * ‖Wᵀ e‖²).
  - apply two_variables; auto. fold t. rewrite <- Wᵀ_scale, <- Wᵀ_add, P2.
    apply (Rmult_le_reg_l (1 - δ₂)); [lra |].
    replace ((1 - δ₂) * ((1 + δ₁) / (1 - δ₂) * ‖Wᵀ (e ⊕ t ⊙ r)‖²))
      with ((1 + δ₁) * ‖Wᵀ (e ⊕ t ⊙ r)‖²) by (field; lra).
    apply (Rmult_le_compat_l (1 - δ₂)) in U; [| lra].
    apply (Rmult_le_compat_l ((1 - δ₂) * (1 + δ₁))) in K; [| nra].
    apply (Rmult_le_compat_l (1 + δ₁)) in V; lra.
  - pose proof (crosstalk_in_signals 2 δ₂ _ z (proj1 D2) R2 HU ST) as C. fold x e in C.
    rewrite Rpow_mult_distr, (Rmult_comm (δ₂^2)), Rmult_assoc.
    apply Rmult_le_compat_l; auto. apply pow2_ge_0.
Qed.

Theorem direct : Direct.
Proof.
  intros δ₁ δ₂ z S T D1 D2 R1 R2 HS Z x [HT B]. apply (direct_from δ₁ δ₂ z S T); auto. intros s _.
  now apply won_and_lost; auto.
Qed.

Theorem error_identity : Error_identity.
Proof.
  intros x T ẑ. assert (E : ⟨Wᵀ ẑ, x⟩ = ‖ẑ‖²) by (symmetry; exact (adj ẑ x T (off_on T _))).
  expand. rewrite (dot_sym x), E. ring.
Qed.

(* Pooling keeps at least what the nearest signal of the model promises. *)
Lemma kept_energy a x z S T : 0 < a -> (forall y,
  off S y -> a * ‖y‖² <= ‖Wᵀ y‖²) -> off S z -> ‖W x ↾ S‖² <= ‖W x ↾ T‖² ->
  a * (‖x‖² - ‖x ⊖ Wᵀ z‖²) <= ‖W x ↾ T‖².
Proof.
  intros A L Z B. specialize (L z Z). pose proof (pos (W x ↾ S ⊖ a ⊙ z)) as P.
  pose proof (adj z x S Z) as E.
  expand. rewrite (dot_sym (W x ↾ S) z), E in P. rewrite (dot_sym x (Wᵀ z)). nra.
Qed.
Theorem energy : Energy.
Proof.
  intros δ x z S T D R HS Z B. rewrite error_identity.
  pose proof (rip _ _ _ _ _ _ R (Ms_1 _ _ (proj1 B)) (off_on T (W x))) as [_ U].
  pose proof (kept_energy (1 - δ) x z S T ltac:(lra) (fun y Y => proj1 (rip _ _ _ _ _ _ R (Ms_1 _
    _ HS) Y)) Z (proj2 B S HS)) as K. nra.
Qed.
Corollary energy_on_the_model : Energy_on_the_model.
Proof.
  intros δ z S T D R HS Z x B. apply norm_le_norm; [apply sqrt_pos |].
  rewrite <- Rsqr_pow2, Rsqr_sqrt by nra.
  pose proof (energy δ x z S T (proj2 D) R HS Z B) as E.
  replace (‖x ⊖ Wᵀ z‖²) with 0 in E; [lra |].
  fold x. expand. ring.
Qed.
Theorem gain : Gain.
Proof.
  intros x T ẑ g P.
  assert (E : ⟨Wᵀ ẑ, x⟩ = ‖ẑ‖²) by (symmetry; exact (adj ẑ x T (off_on T _))).
  assert (Q : forall t, ‖t ⊙ Wᵀ ẑ ⊖ x‖² = ‖x‖² - ‖ẑ‖² * g + (t - g)^2 * ‖Wᵀ ẑ‖²).
  { intro t. expand. rewrite (dot_sym x (Wᵀ ẑ)), E. unfold g. field. lra. }
  split; [intro t; rewrite !Q; pose proof (pow2_ge_0 (t - g)); nra |].
  intros δᵤ δₗ z S U D R HS Z X B.
  pose proof (kept_energy (1 - δₗ) x z S T ltac:(lra) (fun y Y => proj1 (R y (M_off _ _ _ _
    (Ms_1 _ _ HS) Y))) Z (proj2 B S HS)) as K.
  pose proof (proj2 (R ẑ (M_off _ _ _ _ (Ms_1 _ _ (proj1 B)) (off_on T (W x))))) as L.
  fold ẑ in K.
  assert (N : ‖x ⊖ Wᵀ z‖² = 0) by (rewrite <- X; expand; ring). rewrite N in K. pose proof (pos x).
  assert (0 < ‖ẑ‖²) by (pose proof (pos ẑ); nra).
  assert (G : ‖ẑ‖² <= (1 + δᵤ) * (‖ẑ‖² * g)).
  { replace ((1 + δᵤ) * (‖ẑ‖² * g)) with (‖ẑ‖² * ((1 + δᵤ) * ‖ẑ‖²) / ‖Wᵀ ẑ‖²) by (unfold g;
      field; lra).
    apply (Rmult_le_reg_r (‖Wᵀ ẑ‖²)); auto.
    replace (‖ẑ‖² * ((1 + δᵤ) * ‖ẑ‖²) / ‖Wᵀ ẑ‖² * ‖Wᵀ ẑ‖²) with (‖ẑ‖² * ((1 + δᵤ) * ‖ẑ‖²))
      by (field; lra). nra. }
  assert (V : ‖x‖² - ‖ẑ‖² * g <= (δᵤ + δₗ) / (1 + δᵤ) * ‖x‖²).
  { apply (Rmult_le_reg_l (1 + δᵤ)); [lra |].
    replace ((1 + δᵤ) * ((δᵤ + δₗ) / (1 + δᵤ) * ‖x‖²)) with ((δᵤ + δₗ) * ‖x‖²) by (field;
      lra). nra. }
  pose proof (Q g) as QG. replace ((g - g)^2) with 0 in QG by ring.
  pose proof (pos (g ⊙ Wᵀ ẑ ⊖ x)) as O. rewrite QG in O.
  assert (0 <= (δᵤ + δₗ) / (1 + δᵤ)).
  { destruct (Rle_dec 0 ((δᵤ + δₗ) / (1 + δᵤ))); auto. assert (‖x‖² = 0) by nra.
    assert (0 < (1 + δᵤ) * (‖ẑ‖² * g)) by lra. nra. }
  apply norm_le_norm; [apply sqrt_pos |]. rewrite <- Rsqr_pow2, Rsqr_sqrt by auto. rewrite QG.
  lra.
Qed.
End Reconstruction.

Section Certificate.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variables (w : Place -> Coord -> R) (model : (Place -> bool) -> Prop).
Notation W := (W w).
Notation Wᵀ := (Wᵀ w).

(* Corollary "The certificate": with T = S ∪ Ŝ, |G_T - I| <= η, and eigenvalues of G_T up to b and
   of G_S from a on, no other constant is needed. *)
Definition Certificate :=
  forall η a b (z : Place -> R) S Ŝ, 0 <= η -> 0 < a -> 0 <= b ->
  (forall y, off (S ∪ Ŝ) y -> (1 - η) * ‖y‖² <= ‖Wᵀ y‖² <= (1 + η) * ‖y‖²) ->
  (forall y, off (S ∪ Ŝ) y -> ‖Wᵀ y‖² <= b * ‖y‖²) ->
  (forall y, off S y -> a * ‖y‖² <= ‖Wᵀ y‖²) ->
  model S -> off S z ->
  let x := Wᵀ z in pools model (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= φ * η * sqrt (b / a) * ‖x‖.

(* Proofs. *)

Corollary certificate : Certificate.
Proof.
  intros η a b z S T N A B Both Up Low HS Z x P. set (U := S ∪ T) in *.
  assert (R : RIP w (eq U) 1 η).
  { intros y (V & c & d & <- & C & D & ->). simpl in D. subst d.
    replace (c ⊕ fun _ => 0) with c by (places; ring). now apply Both. }
  assert (OZ : off U z) by (apply (off_mono S); auto; unfold U, union; intros p ->; auto).
  assert (OD : off U (W x ↾ T ⊖ z)).
  { apply off_sub; auto. apply (off_mono T); [| apply off_on].
    unfold U, union. intros p ->. apply orb_true_r. }
  destruct (Λ_spec 1 ltac:(lra)) as [L _]. fold φ in L.
  assert (E : ‖W x ↾ T ⊖ z‖ <= φ * η * ‖z‖).
  { eapply Rle_trans; [now apply (golden model _ _ S) |]. rewrite Rmult_assoc.
    apply Rmult_le_compat_l; [lra |]. apply norm_le_norm; auto.
    exact (crosstalk_at w (eq U) 1 η U z R (Ms_1 _ U eq_refl) OZ). }
  apply square_le in E. assert (Q : 0 <= b / a).
  { apply Rmult_le_pos; [lra | left; now apply Rinv_0_lt_compat]. }
  apply norm_le_norm; [apply Rmult_le_pos; [nra | apply sqrt_pos] |].
  rewrite Rpow_mult_distr, <- (Rsqr_pow2 (sqrt _)), Rsqr_sqrt by auto.
  specialize (Up _ OD). specialize (Low z Z). rewrite Wᵀ_sub in Up. fold x in Up, Low.
  apply (Rmult_le_reg_l a); auto.
  replace (a * ((φ * η)^2 * (b / a) * ‖x‖²)) with (b * ((φ * η)^2 * ‖x‖²)) by (field; lra).
  apply (Rmult_le_compat_l a) in Up; [| lra]. apply (Rmult_le_compat_l (a * b)) in E; [| nra].
  assert (0 <= b * (φ * η)^2) by (apply Rmult_le_pos; [auto | apply pow2_ge_0]).
  apply (Rmult_le_compat_l (b * (φ * η)^2)) in Low; auto. lra.
Qed.
End Certificate.
