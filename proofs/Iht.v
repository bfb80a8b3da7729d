(* The chapter "One layer is the first step": iterative hard thresholding in the model. *)
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
Implicit Types (x r : signal) (u z zⱼ : code) (S Sⱼ T Ŝ : places).

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

(* Lemma "Three blocks, two at a time", for the Gram matrix: what S and T hear of a d on S and Sⱼ,
   where only the unions of two of the three supports are trusted. *)
Definition Three_blocks :=
  forall δ d S T Sⱼ, 0 < δ -> RIP 2 δ -> model S -> model T -> model Sⱼ -> off (S ∪ Sⱼ) d ->
  ‖(W (Wᵀ d) ⊖ d) ↾ (S ∪ T)‖ <= 5 / 3 * δ * ‖d‖.

(* Theorem "Convergence from δ_2k". *)
Definition Iht_two :=
  forall δ z r zⱼ z' S Sⱼ Ŝ, 0 < δ -> RIP 2 δ ->
  model S -> off S z -> model Sⱼ -> off Sⱼ zⱼ -> step 1 (Wᵀ z ⊕ r) zⱼ Ŝ z' ->
  ‖z' ⊖ z‖ <= 5 / 3 * φ * δ * ‖zⱼ ⊖ z‖ + φ * sqrt (1 + δ) * ‖r‖.

(* Corollary "Signals, residuals, steps": the residual and the error of the code. *)
Definition Residual :=
  forall δ z zⱼ S Sⱼ, 0 <= δ < 1 -> RIP 2 δ -> model S -> off S z -> model Sⱼ -> off Sⱼ zⱼ ->
  ‖Wᵀ zⱼ ⊖ Wᵀ z‖² <= (1 + δ) * ‖zⱼ ⊖ z‖² /\ (1 - δ) * ‖zⱼ ⊖ z‖² <= ‖Wᵀ zⱼ ⊖ Wᵀ z‖².

(* Proposition "First the places, then the values" (a): a code that is nearer to z than the least
   magnitude of a non-zero of z has no zero in the support of z. *)
Definition Places_first :=
  forall z zⱼ m S, 0 <= m -> (forall p, S p = true -> In p all /\ m <= Rabs (z p)) ->
  ‖zⱼ ⊖ z‖ < m -> forall p, S p = true -> zⱼ p <> 0.

(* Proposition "First the places, then the values" (b): on the right places each step shrinks the
   error by δ_k. *)
Definition Then_values :=
  forall δ z zⱼ z' S, 0 <= δ -> RIP 1 δ -> model S -> off S z -> off S zⱼ ->
  step 1 (Wᵀ z) zⱼ S z' -> ‖z' ⊖ z‖ <= δ * ‖zⱼ ⊖ z‖.

(* Proposition "Fixed points", for every step: below this border z is the only fixed point. *)
Definition Fixed_points :=
  forall δ μ z z' S Ŝ, 0 <= δ < 1 -> δ < μ * (1 - δ^2) -> RIP 2 δ -> model S -> off S z ->
  step μ (Wᵀ z) z' Ŝ z' -> ‖z' ⊖ z‖ = 0.

(* Theorem "Short steps": one step shrinks the squared residual by 1 - κ, for every κ, λ and τ
   that satisfy two inequalities. The Gram matrices of √μ W have their eigenvalues in [a, b]. *)
Definition Short_step :=
  forall δ μ κ λ τ z zⱼ z' S Sⱼ Ŝ, RIP 2 δ -> 0 < μ -> μ * (1 + δ) <= 1 -> 0 <= δ <= 1 ->
  let a := μ * (1 - δ) in let b := μ * (1 + δ) in
  0 <= λ <= 1 -> 0 <= τ -> λ <= τ * (a * b) ->
  (κ + τ * (a + b))^2 <= 4 * ((λ + τ) * (τ * (a * b))) ->
  (κ + τ * (a + b) - 2 * λ)^2 <= 4 * ((1 - λ + τ) * (τ * (a * b) - λ)) ->
  model S -> off S z -> model Sⱼ -> off Sⱼ zⱼ -> step μ (Wᵀ z) zⱼ Ŝ z' ->
  ‖Wᵀ z' ⊖ Wᵀ z‖² <= (1 - κ) * ‖Wᵀ zⱼ ⊖ Wᵀ z‖².

(* Theorem "Short steps", with a rate: such κ exist down to the border of "Fixed points". *)
Definition Short_steps :=
  forall δ μ z S S₀ (Z : nat -> code) (Ŝ : nat -> places), RIP 2 δ -> 0 <= δ < 1 ->
  δ < μ * (1 - δ^2) -> μ * (1 + δ) <= 1 ->
  model S -> off S z -> model S₀ -> off S₀ (Z O) ->
  (forall j, step μ (Wᵀ z) (Z j) (Ŝ j) (Z (1 + j)%nat)) ->
  let q := 1 - μ^2 * (μ^2 * (1 - δ^2)^2 - δ^2)^2 / (20 * (1 - δ^2)) in
  0 <= q < 1 /\
  forall j, ‖Wᵀ (Z j) ⊖ Wᵀ z‖² <= q^j * ‖Wᵀ (Z O) ⊖ Wᵀ z‖² /\
            (1 - δ) * ‖Z j ⊖ z‖² <= q^j * ‖Wᵀ (Z O) ⊖ Wᵀ z‖².

(* Proofs. *)

Lemma step_from c δ₂ z r zⱼ z' S T : 0 <= δ₂ -> RIP 2 δ₂ -> model S -> off S z ->
  step 1 (Wᵀ z ⊕ r) zⱼ T z' ->
  ‖(W (Wᵀ (z ⊖ zⱼ)) ⊖ (z ⊖ zⱼ)) ↾ (S ∪ T)‖ <= c * ‖zⱼ ⊖ z‖ ->
  ‖z' ⊖ z‖ <= φ * c * ‖zⱼ ⊖ z‖ + φ * sqrt (1 + δ₂) * ‖r‖.
Proof.
  intros D2 R2 HS Z [B ->] A. set (u := zⱼ ⊕ 1 ⊙ W (Wᵀ z ⊕ r ⊖ Wᵀ zⱼ)) in *.
  set (d := z ⊖ zⱼ) in *.
  assert (P : 0 < φ) by apply (Λ_spec 1 ltac:(lra)).
  eapply Rle_trans; [apply (golden model u z S T); auto |].
  assert (E : (u ⊖ z) ↾ (S ∪ T) = (W (Wᵀ d) ⊖ d) ↾ (S ∪ T) ⊕ W r ↾ (S ∪ T)).
  { unfold u, d. rewrite Wᵀ_sub, !W_sub, W_add. extensionality p. unfold on, add, sub, scale.
    destruct ((S ∪ T) p); ring. }
  assert (N : ‖W r ↾ (S ∪ T)‖ <= sqrt (1 + δ₂) * ‖r‖).
  { apply norm_le_norm; [apply sqrt_pos |]. rewrite <- Rsqr_pow2, Rsqr_sqrt by lra.
    apply (heard w model 2); auto. apply Ms_2; auto; apply B. }
  rewrite E. pose proof (triangle ((W (Wᵀ d) ⊖ d) ↾ (S ∪ T)) (W r ↾ (S ∪ T))). nra.
Qed.
Lemma off_union S T f g : off S f -> off T g -> off (S ∪ T) (f ⊖ g).
Proof.
  intros F G. apply off_sub; [apply (off_mono S) | apply (off_mono T)]; auto; unfold union;
    intros p ->; auto using orb_true_r.
Qed.
Lemma union_sym S T : S ∪ T = T ∪ S. Proof. places. apply orb_comm. Qed.
Lemma norm_flip {A} `{Finite A} (f g : A -> R) : ‖f ⊖ g‖² = ‖g ⊖ f‖².
Proof. apply sum_ext; intro p. unfold sub. ring. Qed.

Theorem iht_step : Iht_step.
Proof.
  intros δ₂ δ₃ z r zⱼ z' S Sj T D2 D3 R2 R3 HS Z HJ ZJ St.
  apply (step_from δ₃ δ₂ z r zⱼ z' S T); auto. destruct St as [[HT _] _].
  assert (HU : Ms model 3 (Sj ∪ (S ∪ T))) by now apply Ms_3.
  assert (O : off (Sj ∪ (S ∪ T)) (z ⊖ zⱼ)).
  { apply (off_mono (S ∪ Sj)); [| now apply off_union].
    unfold union. intro p. now destruct (S p), (Sj p). }
  apply norm_le_norm; auto. rewrite (norm_flip zⱼ).
  eapply Rle_trans; [| exact (crosstalk_at w model 3 δ₃ _ _ R3 HU O)].
  eapply Rle_trans; [| apply (on_le _ (S ∪ T))]. right.
  f_equal; extensionality p; unfold on, union; destruct (Sj p), (S p), (T p); auto.
Qed.

(* The iteration: from a code of the model, every step as above. *)
Lemma stays_in_model μ x (Z : nat -> code) (T : nat -> places) S₀ : model S₀ -> off S₀ (Z O) ->
  (forall j, step μ x (Z j) (T j) (Z (1 + j)%nat)) -> forall j, exists S, model S /\ off S (Z j).
Proof.
  intros H0' O St j. destruct j as [| j]; [eauto |]. change (Datatypes.S j) with (1 + j)%nat.
  destruct (St j) as [[HT _] ->]. eauto using off_on.
Qed.
Theorem iht_converges : Iht_converges.
Proof.
  intros δ₂ δ₃ z r S S0 Z T D2 D3 R2 R3 HS Sz H00 O0 St ρ Hr.
  assert (P : 0 < φ) by apply (Λ_spec 1 ltac:(lra)). assert (0 <= ρ) by (unfold ρ; nra).
  assert (C : 0 <= φ * sqrt (1 + δ₂) / (1 - ρ) * ‖r‖).
  { apply Rmult_le_pos; [| apply sqrt_pos].
    apply Rmult_le_pos; [| left; apply Rinv_0_lt_compat; lra].
    pose proof (sqrt_pos (1 + δ₂)); nra. }
  induction j as [| j IH]; [simpl; lra |].
  destruct (stays_in_model 1 _ Z T S0 H00 O0 St j) as (A & HA & OA).
  eapply Rle_trans; [eapply (iht_step δ₂ δ₃ z r (Z j) _ S A (T j)); eauto |]. fold ρ.
  replace (φ * sqrt (1 + δ₂) * ‖r‖) with ((1 - ρ) * (φ * sqrt (1 + δ₂) / (1 - ρ) * ‖r‖))
    by (field; lra).
  simpl. nra.
Qed.

(* Three blocks: with K = G - I, twice <y, K d> is at most a sum of squares. *)
Let K (f : code) := W (Wᵀ f) ⊖ f.
Lemma K_sym f g : ⟨f, K g⟩ = ⟨K f, g⟩.
Proof.
  unfold K. expand. rewrite <- !adjoint, (dot_sym (W (Wᵀ f))), <- adjoint, (dot_sym (Wᵀ f)). ring.
Qed.
Lemma K_add f g : K (f ⊕ g) = K f ⊕ K g.
Proof. unfold K. rewrite Wᵀ_add, W_add. extensionality p. unfold add, sub. ring. Qed.
Lemma K_pair δ f g S T : RIP 2 δ -> model S -> model T -> off S f -> off T g ->
  2 * ⟨f, K g⟩ <= δ * (‖f‖² + ‖g‖²).
Proof.
  intros R2 HS HT F G. pose proof (Ms_2 model S T HS HT) as HU.
  assert (F' : off (S ∪ T) f) by (apply (off_mono S); auto; unfold union; intros p ->; auto).
  assert (G' : off (S ∪ T) g).
  { apply (off_mono T); auto; unfold union; intros p ->; apply orb_true_r. }
  pose proof (rip w model 2 δ _ _ R2 HU (off_add _ _ _ F' G')) as [_ P].
  pose proof (rip w model 2 δ _ _ R2 HU (off_sub _ _ _ F' G')) as [Q _].
  unfold K. expand. rewrite Wᵀ_add, Wᵀ_sub in *. rewrite <- adjoint.
  set (F1 := Wᵀ f) in *. set (G1 := Wᵀ g) in *. expand.
  rewrite (dot_sym G1 F1), (dot_sym g f) in *. lra.
Qed.
Lemma cut f S T : off (S ∪ T) f -> f = f ↾ S ⊕ f ↾ (T ∖ S).
Proof.
  intro O. unfold off in O. rewrite <- O at 1. places. destruct (S p), (T p); simpl; ring.
Qed.
Lemma cut_norm f S T : ‖f ↾ (S ∪ T)‖² = ‖f ↾ S‖² + ‖f ↾ (T ∖ S)‖².
Proof.
  unfold dot. rewrite <- sum_add. apply sum_ext; intro p. unfold on, union, minus.
  destruct (S p), (T p); simpl; ring.
Qed.
Lemma off_dot T f g : off T f -> ⟨f, g ↾ T⟩ = ⟨f, g⟩.
Proof. intro F. rewrite <- dot_on. unfold off in F. now rewrite F. Qed.
Lemma two_of_three δ y d S T Sj : 0 < δ -> RIP 2 δ -> model S -> model T -> model Sj ->
  off (S ∪ T) y -> off (S ∪ Sj) d -> 2 * ⟨y, K d⟩ <= 5 / 3 * δ * (‖y‖² + ‖d‖²).
Proof.
  intros D R2 HS HT HJ Y X.
  set (yA := y ↾ S). set (yB := y ↾ (T ∖ S)). set (dA := d ↾ S). set (dC := d ↾ (Sj ∖ S)).
  assert (Ny : ‖y‖² = ‖yA‖² + ‖yB‖²) by (unfold yA, yB; rewrite <- cut_norm; unfold off in Y;
    now rewrite Y).
  assert (Nd : ‖d‖² = ‖dA‖² + ‖dC‖²) by (unfold dA, dC; rewrite <- cut_norm; unfold off in X;
    now rewrite X).
  assert (OyA : off S yA) by apply off_on. assert (OdA : off S dA) by apply off_on.
  assert (OyB : off T yB) by (apply (off_mono (T ∖ S)); [unfold minus; intro p;
    now destruct (T p) | apply off_on]).
  assert (OdC : off Sj dC) by (apply (off_mono (Sj ∖ S)); [unfold minus; intro p;
    now destruct (Sj p) | apply off_on]).
  assert (BC : 2 * ⟨yB, K dC⟩ <= δ * (‖yB‖² + ‖dC‖²)) by now apply (K_pair δ _ _ T Sj).
  assert (Up : forall f U, off S f -> model U -> ‖K f ↾ S‖² + ‖K f ↾ (U ∖ S)‖² <= δ^2 * ‖f‖²).
  { intros f U F HU. rewrite <- cut_norm. apply (crosstalk_at w model 2); auto using Ms_2.
    apply (off_mono S); auto. unfold union. intros p ->. auto. }
  pose proof (Up yA Sj OyA HJ) as AC. pose proof (Up dA T OdA HT) as AB.
  set (k1 := K yA ↾ S) in *. set (k2 := K yA ↾ (Sj ∖ S)) in *.
  set (l1 := K dA ↾ S) in *. set (l2 := K dA ↾ (T ∖ S)) in *.
  assert (E : ⟨y, K d⟩ = ⟨yA, l1⟩ + ⟨k2, dC⟩ + ⟨yB, l2⟩ + ⟨yB, K dC⟩).
  { rewrite (cut y S T Y), (cut d S Sj X). fold yA yB dA dC. rewrite K_add. expand.
    rewrite (K_sym yA dC). unfold l1, l2, k2. rewrite (off_dot S yA), (off_dot (T ∖ S) yB) by
      (auto; apply off_on). rewrite (dot_sym (K yA ↾ _)), off_dot by apply off_on.
    rewrite (dot_sym dC). ring. }
  assert (E' : ⟨yA, l1⟩ = ⟨k1, dA⟩).
  { unfold l1, k1. rewrite off_dot, (dot_sym (K yA ↾ S)), off_dot, K_sym by auto. apply dot_sym. }
  pose proof (pos (δ ⊙ yA ⊖ 3 ⊙ l1)) as P1. pose proof (pos (δ ⊙ dA ⊖ 3 ⊙ k1)) as P2.
  pose proof (pos (3 ⊙ k2 ⊖ (2 * δ) ⊙ dC)) as P3. pose proof (pos (3 ⊙ l2 ⊖ (2 * δ) ⊙ yB)) as P4.
  rewrite E, Ny, Nd. apply (Rmult_le_reg_l (6 * δ)); [lra |]. expand.
  rewrite (dot_sym l1 yA) in P1. rewrite (dot_sym dA k1) in P2. rewrite (dot_sym dC k2) in P3.
  rewrite (dot_sym l2 yB) in P4.
  apply (Rmult_le_compat_l (6 * δ)) in BC; [| lra]. apply (f_equal (Rmult (6 * δ))) in E'. lra.
Qed.
Theorem three_blocks : Three_blocks.
Proof.
  intros δ d S T Sj D R2 HS HT HJ X. apply norm_le_norm; [lra |]. fold (K d).
  set (v := K d ↾ (S ∪ T)). assert (V : off (S ∪ T) v) by apply off_on.
  apply polar; [| apply pos | apply pos]. intros c _.
  pose proof (two_of_three δ v (c ⊙ d) S T Sj D R2 HS HT HJ V (off_scale _ c _ X)) as B.
  assert (E : ⟨v, K (c ⊙ d)⟩ = c * ‖v‖²).
  { replace (K (c ⊙ d)) with (c ⊙ K d).
    - rewrite dot_scale_r. f_equal. now rewrite <- (off_dot (S ∪ T) v (K d) V).
    - unfold K. rewrite Wᵀ_scale. extensionality p. unfold Layer.W, sub, scale.
      change (fun a => c * Wᵀ d a) with (c ⊙ Wᵀ d). expand. ring. }
  rewrite E in B. expand. lra.
Qed.
Theorem iht_two : Iht_two.
Proof.
  intros δ z r zⱼ z' S Sj T D R2 HS Z HJ ZJ St.
  replace (5 / 3 * φ * δ) with (φ * (5 / 3 * δ)) by ring.
  apply (step_from (5 / 3 * δ) δ z r zⱼ z' S T); auto; [lra |]. destruct St as [[HT _] _].
  rewrite (norm_flip zⱼ). apply (three_blocks δ _ S T Sj); auto. now apply off_union.
Qed.

Theorem residual : Residual.
Proof.
  intros δ z zⱼ S Sj D R2 HS Z HJ ZJ. rewrite <- Wᵀ_sub.
  pose proof (rip w model 2 δ _ _ R2 (Ms_2 _ _ _ HJ HS) (off_union _ _ _ _ ZJ Z)). lra.
Qed.
Lemma term_le (l : list Place) (f : Place -> R) p : (forall p,
  0 <= f p) -> In p l -> f p <= sum l f.
Proof.
  intro P. induction l as [| a l IH]; simpl; [easy |].
  assert (0 <= sum l f) by (rewrite <- (sum_zero l); now apply sum_le).
  intros [<- | I]; [lra |]. specialize (IH I). specialize (P a). lra.
Qed.
Theorem places_first : Places_first.
Proof.
  intros z zⱼ m S M0 L N p Sp E. destruct (L p Sp) as [I Mp].
  assert (m^2 <= ‖zⱼ ⊖ z‖²).
  { apply Rle_trans with ((zⱼ ⊖ z) p * (zⱼ ⊖ z) p).
    - unfold sub. rewrite E. replace ((0 - z p) * (0 - z p)) with ((Rabs (z p))^2); [nra |].
      rewrite <- (Rsqr_pow2 (Rabs _)), <- Rsqr_abs. unfold Rsqr. ring.
    - apply (term_le all (fun p => (zⱼ ⊖ z) p * (zⱼ ⊖ z) p)); auto. intro. nra. }
  pose proof (norm_sq (zⱼ ⊖ z)). pose proof (sqrt_pos (‖zⱼ ⊖ z‖²)). nra.
Qed.
Theorem then_values : Then_values.
Proof.
  intros δ z zⱼ z' S D R1 HS Z ZJ [_ ->]. apply norm_le_norm; auto. set (d := zⱼ ⊖ z).
  assert (O : off S d) by now apply off_sub.
  replace ((zⱼ ⊕ 1 ⊙ W (Wᵀ z ⊖ Wᵀ zⱼ)) ↾ S ⊖ z) with ((-1) ⊙ (K d ↾ S)).
  - pose proof (crosstalk_at w model 1 δ S d R1 (Ms_1 _ _ HS) O) as C. fold (K d) in C. expand.
    lra.
  - unfold K, d. rewrite Wᵀ_sub, !W_sub. extensionality p.
    assert (Zp : S p = false -> z p = 0).
    { intro E. unfold off in Z. rewrite <- Z. unfold on. now rewrite E. }
    unfold on, sub, add, scale. destruct (S p); [ring | rewrite Zp by auto; ring].
Qed.

(* Fixed points: g = W Wᵀ d vanishes on the kept places, and pooling bounds the rest by d. *)
Theorem fixed_points : Fixed_points.
Proof.
  intros δ μ z z' S T D Mu R2 HS Z [[HT B] E].
  assert (Mp : 0 < μ) by (apply (Rmult_lt_reg_r (1 - δ^2)); nra). set (d := z' ⊖ z).
  set (G := W (Wᵀ d)).
  assert (Ou : off T z') by (rewrite E; apply off_on).
  assert (U : z' ⊕ μ ⊙ W (Wᵀ z ⊖ Wᵀ z') = z' ⊖ μ ⊙ G).
  { unfold G, d. rewrite Wᵀ_sub, !W_sub. places. ring. }
  rewrite U in *. clear U. specialize (B S HS).
  assert (GT : forall p, T p = true -> G p = 0).
  { intros p Tp. apply (f_equal (fun f => f p)) in E. unfold on, sub, scale in E. rewrite Tp in E.
    nra. }
  assert (dL : forall p, T p = false -> d p = - z p).
  { intros p Tp. unfold d, sub. unfold off in Ou. rewrite <- Ou. unfold on. rewrite Tp. ring. }
  assert (Zp : forall p, S p = false -> z p = 0).
  { intros p Sp. unfold off in Z. rewrite <- Z. unfold on. now rewrite Sp. }
  assert (z'p : forall p, T p = false -> z' p = 0).
  { intros p Tp. unfold off in Ou. rewrite <- Ou. unfold on. now rewrite Tp. }
  set (gL := G ↾ (S ∖ T)).
  assert (P : μ^2 * ‖gL‖² <= ‖d ↾ (T ∖ S)‖²).
  { enough (μ^2 * ‖gL‖² + ‖(z' ⊖ μ ⊙ G) ↾ T‖² <= ‖d ↾ (T ∖ S)‖² + ‖(z' ⊖ μ ⊙ G) ↾ S‖²) by lra.
    unfold dot. rewrite <- sum_scale, <- !sum_add. right. apply sum_ext. intro p.
    unfold gL, d, on, sub, scale, minus. specialize (GT p). specialize (Zp p). specialize (z'p p).
    destruct (S p), (T p); simpl; try rewrite GT by auto; try rewrite Zp by auto;
      try rewrite z'p by auto; ring. }
  assert (OD : off (S ∪ T) d).
  { unfold d. rewrite union_sym. now apply off_union. }
  pose proof (crosstalk_at w model 2 δ _ d R2 (Ms_2 _ _ _ HS HT) OD) as C. fold G in C.
  assert (F : ‖(G ⊖ d) ↾ (S ∪ T)‖² = ‖gL‖² - 2 * ⟨gL, d ↾ (S ∖ T)⟩ + ‖d‖²).
  { unfold off in OD. rewrite <- OD. unfold gL, dot.
    rewrite <- (sum_scale all 2). unfold Rminus.
    transitivity (∑ p, ((G ↾ (S ∖ T)) p * (G ↾ (S ∖ T)) p
      - 2 * ((G ↾ (S ∖ T)) p * ((d ↾ (S ∪ T)) ↾ (S ∖ T)) p)
      + (d ↾ (S ∪ T)) p * (d ↾ (S ∪ T)) p)).
    - apply sum_ext. intro p. unfold on, sub, union, minus. specialize (GT p).
      destruct (S p), (T p); simpl; try rewrite GT by auto; ring.
    - generalize (all : list Place) as l. induction l; simpl in *; [ring | rewrite IHl; ring]. }
  assert (N : ‖d ↾ (S ∖ T)‖² + ‖d ↾ (T ∖ S)‖² <= ‖d‖²).
  { unfold dot. rewrite <- sum_add. apply sum_le; intro p. unfold on, minus.
    destruct (S p), (T p); simpl; nra. }
  set (A := 1 - δ^2) in *. assert (A0 : 0 < A) by (unfold A; nra).
  pose proof (pos (gL ⊖ A ⊙ (d ↾ (S ∖ T)))) as Q. expand.
  rewrite (dot_sym (d ↾ (S ∖ T)) gL) in Q. pose proof (pos gL) as G0. pose proof (pos d) as D0.
  set (x1 := ‖gL‖²) in *. set (x2 := ⟨gL, d ↾ (S ∖ T)⟩) in *. set (x3 := ‖d ↾ (S ∖ T)‖²) in *.
  set (x4 := ‖d ↾ (T ∖ S)‖²) in *. set (x5 := ‖d‖²) in *. rewrite F in C.
  assert (x1 = 0).
  { assert (K1 : 0 <= 2 * x2 - x1 - A * x5) by (unfold A; lra).
    assert (K2 : A * (x3 + μ^2 * x1) <= A * x5) by (apply Rmult_le_compat_l; lra).
    assert (K3 : A * (2 * x2) <= x1 + A^2 * x3) by lra.
    assert (K4 : (A + A^2 * μ^2 - 1) * x1 <= 0).
    { apply (Rmult_le_compat_l A) in K1; [| lra]. apply (Rmult_le_compat_l A) in K2; [| lra]. lra.
      }
    assert (δ^2 < (μ * A)^2) by nra. assert (0 < A + A^2 * μ^2 - 1) by (unfold A in *; lra). nra.
    }
  assert (x3 >= 0) by (apply Rle_ge, pos).
  assert (E0 : x5 = 0).
  { assert (x2 = 0).
    { pose proof (cauchy_schwarz gL (d ↾ (S ∖ T))) as CS.
      pose proof (cauchy_schwarz ((-1) ⊙ gL) (d ↾ (S ∖ T))) as CS'. rewrite dot_scale_l in CS'.
      replace (‖(-1) ⊙ gL‖²) with x1 in CS' by (unfold x1; expand; ring).
      fold x1 x2 x3 in CS, CS'. rewrite H1, sqrt_0 in *. lra. }
    unfold A in *. nra. }
  now rewrite E0, sqrt_0.
Qed.

(* Short steps. The majoriser, compared with two codes of the model: those of u on S and on Sⱼ. *)
Theorem short_step : Short_step.
Proof.
  intros δ μ κ λ τ z zⱼ z' S Sj T R2 Mu Hb D1 a b [L0 L1] T0 Lt QL QV HS Z HJ ZJ [[HT B] Z'].
  set (d := zⱼ ⊖ z). set (G := μ ⊙ W (Wᵀ d)).
  assert (U : zⱼ ⊕ μ ⊙ W (Wᵀ z ⊖ Wᵀ zⱼ) = zⱼ ⊖ G).
  { unfold G, d. rewrite Wᵀ_sub, !W_sub. places. ring. }
  rewrite U in *. clear U. set (u := zⱼ ⊖ G) in *.
  assert (Dot : forall f, ⟨f, G⟩ = μ * ⟨Wᵀ f, Wᵀ d⟩) by (intro f; unfold G; expand;
    now rewrite adjoint).
  set (h := μ * ‖Wᵀ d‖²).
  (* the majoriser *)
  assert (Maj : μ * ‖Wᵀ (z' ⊖ z)‖² <= h + ‖u‖² - ‖G‖² - ‖u ↾ T‖²).
  { set (v := z' ⊖ zⱼ).
    assert (OV : off (T ∪ Sj) v) by (apply off_union; auto; rewrite Z'; apply off_on).
    pose proof (rip w model 2 δ _ _ R2 (Ms_2 _ _ _ HT HJ) OV) as [_ V].
    replace (z' ⊖ z) with (d ⊕ v) by (unfold d, v; places; ring). rewrite Wᵀ_add.
    assert (E : ‖v ⊕ G‖² = ‖u‖² - ‖u ↾ T‖²).
    { replace (v ⊕ G) with (u ↾ T ⊖ u) by (rewrite <- Z'; unfold v, u; places; ring).
      rewrite norm_flip. unfold dot. unfold Rminus.
      enough (‖u ⊖ u ↾ T‖² + ‖u ↾ T‖² = ‖u‖²) as E1 by (unfold dot in *; lra).
      unfold dot. rewrite <- sum_add. apply sum_ext. intro p. unfold sub, on.
      destruct (T p); ring. }
    specialize (Dot v). expand. rewrite (dot_sym G v), (dot_sym (Wᵀ d) (Wᵀ v)) in *.
    pose proof (pos v). unfold h. assert (μ * (1 + δ) * ‖v‖² <= ‖v‖²) by nra.
    apply (Rmult_le_compat_l μ) in V; [| lra]. lra. }
  pose proof (B S HS) as BS. pose proof (B Sj HJ) as BJ.
  assert (OD : off (Sj ∪ S) d) by now apply off_union.
  assert (HU : Ms model 2 (Sj ∪ S)) by now apply Ms_2.
  (* the spectrum *)
  set (V := Sj ∪ S) in *.
  assert (Sp : 0 <= (a + b) * h - ‖G ↾ V‖² - a * b * ‖d‖²).
  { pose proof (crosstalk_at w model 2 δ _ d R2 HU OD) as C.
    replace (‖(W (Wᵀ d) ⊖ d) ↾ V‖²)
      with (‖W (Wᵀ d) ↾ V‖² - 2 * ‖Wᵀ d‖² + ‖d‖²) in C.
    - replace (‖G ↾ V‖²) with (μ^2 * ‖W (Wᵀ d) ↾ V‖²).
      + unfold h, a, b. apply (Rmult_le_compat_l (μ^2)) in C; [| nra]. lra.
      + unfold G, dot. rewrite <- sum_scale. apply sum_ext. intro p. unfold on, scale.
        destruct (V p); ring.
    - replace ((W (Wᵀ d) ⊖ d) ↾ V) with (W (Wᵀ d) ↾ V ⊖ d).
      + pose proof (adj w d (Wᵀ d) V OD) as A. rewrite <- A. expand.
        rewrite (dot_sym (W (Wᵀ d) ↾ V) d). ring.
      + unfold off in OD. rewrite <- OD at 2. places. destruct (V p); ring. }
  (* place by place *)
  enough (Main : τ * ((a + b) * h - ‖G ↾ V‖² - a * b * ‖d‖²) <=
    - (κ * h + ‖u‖² - ‖G‖² - λ * ‖u ↾ S‖² - (1 - λ) * ‖u ↾ Sj‖²)).
  { replace (Wᵀ z' ⊖ Wᵀ z) with (Wᵀ (z' ⊖ z)) by apply Wᵀ_sub.
    replace (Wᵀ zⱼ ⊖ Wᵀ z) with (Wᵀ d) by apply Wᵀ_sub.
    apply (Rmult_le_compat_l τ) in Sp; [| lra]. rewrite Rmult_0_r in Sp.
    apply (Rmult_le_compat_l λ) in BS; [| lra]. apply (Rmult_le_compat_l (1 - λ)) in BJ; [| lra].
    apply (Rmult_le_reg_l μ); auto. unfold h in *. lra. }
  assert (Hh : h = ⟨d, G⟩) by (rewrite Dot; reflexivity).
  rewrite Hh. enough (0 <= - (κ * ⟨d, G⟩ + ‖u‖² - ‖G‖² - λ * ‖u ↾ S‖² - (1 - λ) * ‖u ↾ Sj‖²)
    - τ * ((a + b) * ⟨d, G⟩ - ‖G ↾ V‖² - a * b * ‖d‖²)) by lra.
  set (f := fun p =>
    - (κ * (d p * G p) + (u p)^2 - (G p)^2 - λ * ((u ↾ S) p)^2 - (1 - λ) * ((u ↾ Sj) p)^2)
    - τ * ((a + b) * (d p * G p) - ((G ↾ V) p)^2 - a * b * (d p)^2)).
  replace (_ - _) with (∑ p, f p).
  2: { unfold f, dot. generalize (all : list Place) as l.
       induction l as [| p l IH]; simpl in *; [ring | rewrite IH; ring]. }
  rewrite <- (sum_zero (A := Place) all). apply sum_le; intro p.
  assert (Zp : S p = false -> z p = 0).
  { intro E. unfold off in Z. rewrite <- Z. unfold on. now rewrite E. }
  assert (Jp : Sj p = false -> zⱼ p = 0).
  { intro E. unfold off in ZJ. rewrite <- ZJ. unfold on. now rewrite E. }
  assert (m0 : 0 <= a * b).
  { unfold a, b. apply Rmult_le_pos; nra. }
  assert (FL : forall s t, 0 <= (λ + τ) * s^2 + 2 * (- (κ + τ * (a + b)) / 2) * (s * t)
    + τ * (a * b) * t^2).
  { intros s t. apply form_pos. repeat split; nra. }
  assert (FV : forall s t, 0 <= (1 - λ + τ) * s^2
    + 2 * (- (κ + τ * (a + b) - 2 * λ) / 2) * (s * t) + (τ * (a * b) - λ) * t^2).
  { intros s t. apply form_pos. repeat split; nra. }
  specialize (FL (G p) (d p)). specialize (FV (G p) (d p)). pose proof (pow2_ge_0 (G p)).
  unfold f, V, u, on, union, sub in *. destruct (Sj p) eqn:EJ, (S p) eqn:ES; simpl.
  - assert (0 <= (1 - λ) * (G p)^2) by nra.
    replace (zⱼ p) with (d p + z p) in * by (unfold d, sub; ring). lra.
  - replace (zⱼ p) with (d p) in * by (unfold d, sub; rewrite (Zp eq_refl); ring). lra.
  - rewrite (Jp eq_refl) in *. lra.
  - replace (d p) with 0 in * by (unfold d, sub; rewrite (Zp eq_refl), (Jp eq_refl); ring).
    rewrite (Jp eq_refl) in *. lra.
Qed.

(* The numbers: with m = a b, ρ = (b - a)² / (4 m) and ρ < m take λ = τ (m + ρ) / 2, τ = (m - ρ) /
   8. *)
Lemma short_numbers a b : 0 < a -> a <= b -> b <= 1 -> b - a < 2 * (a * b) ->
  let m := a * b in let ρ := (b - a)^2 / (4 * m) in
  let τ := (m - ρ) / 8 in let λ := τ * ((m + ρ) / 2) in let κ := m * (m - ρ)^2 / 20 in
  0 < κ <= 1 / 20 /\ 0 <= λ <= 1 /\ 0 <= τ /\ λ <= τ * m /\
  (κ + τ * (a + b))^2 <= 4 * ((λ + τ) * (τ * m)) /\
  (κ + τ * (a + b) - 2 * λ)^2 <= 4 * ((1 - λ + τ) * (τ * m - λ)).
Proof.
  intros A B C D m ρ τ λ κ. assert (M0 : 0 < m) by (unfold m; nra).
  assert (M1 : m <= 1) by (unfold m; nra).
  assert (Rm : 4 * m * ρ = (b - a)^2) by (unfold ρ; field; lra).
  assert (R0 : 0 <= ρ) by (apply (Rmult_le_reg_l (4 * m)); [lra |]; rewrite Rm; nra).
  assert (R1 : ρ < m).
  { apply (Rmult_lt_reg_l (4 * m)); [lra |]. rewrite Rm. fold m in D. nra. }
  assert (Sm : (a + b)^2 = 4 * m * (1 + ρ)) by (unfold m in *; nra).
  clearbody ρ. set (s := a + b) in *. assert (S0 : 0 < s <= 2) by (unfold s; lra).
  clearbody s m. clear a b A B C D Rm. set (e := m - ρ) in *.
  assert (E0 : 0 < e <= 1) by (unfold e; lra).
  assert (T0 : 0 < τ <= 1 / 8) by (unfold τ; lra).
  set (k := 2 * m * e / 5). assert (Kk : κ = k * τ) by (unfold κ, k, τ; field).
  assert (ME : 0 < m * e <= 1) by nra. assert (K0 : 0 < k <= 2 / 5) by (unfold k; lra).
  assert (Lm : λ = τ * (m - e / 2)) by (unfold λ, e; field).
  assert (F : m - e / 2 = (m + ρ) / 2) by (unfold e; field).
  assert (F0 : 0 < m - e / 2 <= 1) by lra.
  repeat split; try (rewrite ?Kk, ?Lm; nra).
  - rewrite Kk, Lm. replace (k * τ + τ * s) with (τ * (k + s)) by ring.
    replace (4 * ((τ * (m - e / 2) + τ) * (τ * m))) with (τ^2 * (4 * m * (1 + ρ) + 2 * m * e))
      by (unfold e; field).
    rewrite Rpow_mult_distr, <- Sm. apply Rmult_le_compat_l; [nra |].
    replace (2 * m * e) with (5 * k) by (unfold k; field). nra.
  - rewrite Kk, Lm.
    replace (k * τ + τ * s - 2 * (τ * (m - e / 2))) with (τ * (k + s - 2 * (m - e / 2))) by ring.
    replace (4 * ((1 - τ * (m - e / 2) + τ) * (τ * m - τ * (m - e / 2))))
      with (τ * (2 * e) * (1 + τ * (1 - (m - e / 2)))) by field.
    rewrite Rpow_mult_distr. assert (-2 <= k + s - 2 * (m - e / 2) <= 12 / 5) by lra.
    assert ((k + s - 2 * (m - e / 2))^2 <= 16) by nra.
    assert (He : 2 * e = 16 * τ) by (unfold τ; fold e; field). rewrite He.
    apply Rle_trans with (τ^2 * 16); [apply Rmult_le_compat_l; nra |].
    assert (0 <= τ * (1 - (m - e / 2))) by nra.
    replace (τ^2 * 16) with (τ * (16 * τ) * 1) by ring. apply Rmult_le_compat_l; nra.
Qed.
Theorem short_steps : Short_steps.
Proof.
  intros δ μ z S S₀ Z T R2 D Mu Hb HS Sz H₀ O₀ St q.
  assert (Mp : 0 < μ) by (apply (Rmult_lt_reg_r (1 - δ^2)); nra).
  set (a := μ * (1 - δ)). set (b := μ * (1 + δ)).
  assert (A0 : 0 < a) by (apply Rmult_lt_0_compat; lra).
  assert (AB : a <= b) by (apply Rmult_le_compat_l; lra).
  assert (Gap : b - a < 2 * (a * b)).
  { replace (b - a) with (2 * μ * δ) by (unfold a, b; ring).
    replace (2 * (a * b)) with (2 * μ * (μ * (1 - δ^2))) by (unfold a, b; ring).
    apply Rmult_lt_compat_l; lra. }
  destruct (short_numbers a b A0 AB Hb Gap) as (Kp & L & T0 & Lt & QL & QV).
  set (κ := a * b * (a * b - (b - a)^2 / (4 * (a * b)))^2 / 20) in *.
  assert (Q : q = 1 - κ).
  { unfold q, κ, a, b. assert (1 - δ^2 <> 0) by nra. field. repeat split; lra. }
  split; [rewrite Q; lra |].
  assert (I : forall j, ‖Wᵀ (Z j) ⊖ Wᵀ z‖² <= q^j * ‖Wᵀ (Z O) ⊖ Wᵀ z‖²).
  { induction j as [| j IH]; [simpl; lra |].
    destruct (stays_in_model μ _ Z T S₀ H₀ O₀ St j) as (A & HA & OA).
    pose proof (short_step δ μ κ _ _ z (Z j) (Z (1 + j)%nat) S A (T j) R2 Mp Hb ltac:(lra)
      L T0 Lt QL QV HS Sz HA OA (St j)) as G.
    rewrite <- Q in G. change (Datatypes.S j) with (1 + j)%nat.
    eapply Rle_trans; [exact G |]. simpl. rewrite Rmult_assoc. apply Rmult_le_compat_l; auto.
    rewrite Q. lra. }
  intro j. split; auto. destruct (stays_in_model μ _ Z T S₀ H₀ O₀ St j) as (A & HA & OA).
  eapply Rle_trans; [apply (residual δ z (Z j) S A) | apply I]; auto.
Qed.
End Iht.
