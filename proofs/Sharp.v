(* The chapter "There and back, with a guarantee": the sharp bound, from two numbers c and π.
   With G the Gram matrix, H = G - I, e = H z, y = ẑ - z and w = y + c z it is an identity:
     g |x|² - |x̂ - x|² = <w, (δ I - H) w> + π (δ² |z|² - |e|²) + β (|e_V|² - |z_L + e_L|²)
                         + Q_C(z_C, e_C) + Q_L(z_L, e_L),
   where C, L, V are the places kept, lost and won by pooling. All five terms are at least 0. *)
Require Import Layer Pooling Reconstruction Variants Branch Noise.

(* The pair (c, π) proves the bound g: both quadratic forms are positive semi-definite. *)
Definition proves δ g c π :=
  let β := π - 1 - δ + 2 * c in
  0 <= π /\ 0 <= β /\
  PSD (g - π * δ^2 - c^2 * δ) (g / 2 - c * δ + c^2 / 2) β /\
  PSD (g - (1 + δ) + 2 * c * δ - c^2 * δ - π * δ^2 + β) (g / 2 - c + c^2 / 2 + β) (π + β).

Section Sharp.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variables (w : Place -> Coord -> R) (model : (Place -> bool) -> Prop).
Notation W := (W w).
Notation Wᵀ := (Wᵀ w).
Notation RIP := (RIP w model).
Notation pools := (pools model).
Notation relu_pools := (relu_pools model).
Notation code := (Place -> R).
Notation places := (Place -> bool).
Implicit Types (x r : Coord -> R) (u z : code) (S T Ŝ : places).

(* Theorem "The sharp bound": every pair (c, π) gives a bound. *)
Definition Sharp :=
  forall δ g c π z S Ŝ, proves δ g c π -> RIP 2 δ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖² <= g * ‖x‖².

(* Theorem "The sharp bound", for ReLU and max pooling. *)
Definition Relu_sharp :=
  forall δ g c π z S Ŝ, 0 <= δ -> g <= 1 -> proves δ g c π -> RIP 2 δ -> model S -> off S z ->
  (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖² <= g * ‖x‖².

(* Corollary "Five thirds": the error is at most 5/3 δ_2k, for every δ_2k below 1. *)
Definition Five_thirds :=
  forall δ z S Ŝ, 0 <= δ < 1 -> RIP 2 δ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= 5 / 3 * δ * ‖x‖.

(* Corollary "Five thirds", a little sharper: the error is at most 1.65 δ_2k, for every δ_2k
   below 1. *)
Definition Slope_165 :=
  forall δ z S Ŝ, 0 <= δ < 1 -> RIP 2 δ -> model S -> off S z ->
  let x := Wᵀ z in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= 165 / 100 * δ * ‖x‖.

(* Corollary "Five thirds", for ReLU and max pooling, with 1.65. *)
Definition Relu_slope_165 :=
  forall δ z S Ŝ, 0 <= δ < 1 -> RIP 2 δ -> model S -> off S z -> (forall p, 0 <= z p) ->
  let x := Wᵀ z in relu_pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= 165 / 100 * δ * ‖x‖.

(* Theorem "The sharp bound", with noise, which counts as a little more δ: η = sqrt (1 + δ) |r| /
   |z|, x₀ = Wᵀ z. *)
Definition Noise_sharp :=
  forall δ η g c π z r S Ŝ, 0 <= δ -> 0 <= g -> RIP 2 δ -> model S -> off S z ->
  0 < ‖z‖ -> sqrt (1 + δ) * ‖r‖ = η * ‖z‖ -> δ + η < 1 -> proves (δ + η) g c π ->
  let x₀ := Wᵀ z in let x := x₀ ⊕ r in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <=
    ‖r‖ + sqrt (g * ((1 - δ) / (1 - (δ + η))) * (‖x₀‖ * (‖x₀‖ + ‖r‖))).

(* Proofs. *)

(* The identity, place by place. Y stands for |x̂ - x|². In R are lost places where ReLU gives 0.
   *)
Lemma five_terms δ g c π u z S T (R : places) Y :
  let e := (u ⊖ z) ↾ (S ∪ T) in let y := u ↾ T ⊖ z in
  proves δ g c π -> off S z ->
  Y + 2 * c * ⟨y, u⟩ + c^2 * ⟨z, u⟩ <= (1 + δ) * ‖y ⊕ c ⊙ z‖² ->
  ‖e‖² <= δ^2 * ‖z‖² ->
  ‖u ↾ (S ∖ T ∖ R)‖² <= ‖u ↾ (T ∖ S)‖² ->
  (forall p, R p = true -> 0 <= z p /\ u p <= 0 /\ g <= 1 /\ 0 <= δ) ->
  Y <= g * ⟨z, u⟩.
Proof.
  intros e y (P & B & QC & QL) Z Hw He Hp HR. set (β := π - 1 - δ + 2 * c) in *.
  enough (0 <= g * ⟨z, u⟩ - ((1 + δ) * ‖y ⊕ c ⊙ z‖² - 2 * c * ⟨y, u⟩ - c^2 * ⟨z, u⟩)
    - π * (δ^2 * ‖z‖² - ‖e‖²) - β * (‖u ↾ (T ∖ S)‖² - ‖u ↾ (S ∖ T ∖ R)‖²)).
  { apply (Rmult_le_compat_l π) in He; [| lra]. apply (Rmult_le_compat_l β) in Hp; [| lra]. lra. }
  set (f := fun p =>
    g * (z p * u p) - ((1 + δ) * ((y ⊕ c ⊙ z) p)^2 - 2 * c * (y p * u p) - c^2 * (z p * u p))
    - π * (δ^2 * (z p)^2 - (e p)^2)
    - β * (((u ↾ (T ∖ S)) p)^2 - ((u ↾ (S ∖ T ∖ R)) p)^2)).
  replace (_ - _ - _ - _) with (∑ p, f p).
  2: { unfold f, dot. generalize (all : list Place) as l.
       induction l as [| p l IH]; simpl in *; [ring | rewrite IH; ring]. }
  rewrite <- (sum_zero (A := Place) all). apply sum_le; intro p. unfold f.
    unfold off in Z. apply (f_equal (fun f => f p)) in Z. specialize (HR p).
    subst e y. unfold on, add, sub, scale, union, minus in *.
    assert (EC : forall s t, 0 <= (g - π * δ^2 - c^2 * δ) * s^2
      + 2 * (g / 2 - c * δ + c^2 / 2) * (s * t) + β * t^2) by (intros; now apply form_pos).
    assert (EL : forall s t, 0 <= (g - (1 + δ) + 2 * c * δ - c^2 * δ - π * δ^2 + β) * s^2
      + 2 * (g / 2 - c + c^2 / 2 + β) * (s * t) + (π + β) * t^2) by (intros; now apply form_pos).
    unfold β in *. destruct (S p), (T p); simpl.
    + specialize (EC (z p) (u p - z p)). lra.
    + destruct (R p); simpl; [| specialize (EL (z p) (u p - z p)); lra].
      destruct (HR eq_refl) as (Zp & Up & G & D).
      assert (A : 0 <= π * (1 - δ) - (1 - c)^2).
      { specialize (EL 1 (-1)). apply (Rmult_le_reg_l (1 + δ)); lra. }
      assert (C : 0 <= 2 * π + 2 * c - c^2 - g) by nra.
      assert (0 <= z p * - u p) by nra. pose proof (pow2_ge_0 (z p)).
      pose proof (pow2_ge_0 (u p)).
      assert (0 <= (1 + δ) * (π * (1 - δ) - (1 - c)^2)) by nra.
      assert (0 <= (1 + δ) * (π * (1 - δ) - (1 - c)^2) * (z p)^2) by nra.
      assert (0 <= (2 * π + 2 * c - c^2 - g) * (z p * - u p)) by nra.
      assert (0 <= π * (u p)^2) by nra. lra.
    + rewrite <- Z. lra.
    + rewrite <- Z. lra.
Qed.

(* What pooling guarantees, without the common places. *)
Lemma won_at_least u S T : ‖u ↾ S‖² <= ‖u ↾ T‖² -> ‖u ↾ (S ∖ T)‖² <= ‖u ↾ (T ∖ S)‖².
Proof.
  intro L. enough (‖u ↾ (S ∖ T)‖² + ‖u ↾ T‖² = ‖u ↾ (T ∖ S)‖² + ‖u ↾ S‖²) by lra.
  unfold dot. rewrite <- !sum_add. apply sum_ext; intro p. unfold on, minus.
  destruct (S p), (T p); simpl; ring.
Qed.
(* The hypotheses of five_terms that both versions share. *)
Lemma spectrum δ c z S T : RIP 2 δ -> model S -> model T -> off S z ->
  let u := W (Wᵀ z) in let y := u ↾ T ⊖ z in
  ‖Wᵀ y‖² + 2 * c * ⟨y, u⟩ + c^2 * ⟨z, u⟩ <= (1 + δ) * ‖y ⊕ c ⊙ z‖² /\
  ‖(u ⊖ z) ↾ (S ∪ T)‖² <= δ^2 * ‖z‖².
Proof.
  intros R2 HS HT Z u y. pose proof (Ms_2 model S T HS HT) as HU.
  assert (OZ : off (S ∪ T) z) by (apply (off_mono S); auto; unfold union; intros p ->; auto).
  split; [| now apply (crosstalk_at w model 2)].
  assert (OY : off (S ∪ T) y).
  { apply off_sub; auto. apply (off_mono T); [| apply off_on].
    unfold union. intros p ->. apply orb_true_r. }
  pose proof (rip w model 2 δ _ _ R2 HU (off_add _ _ _ OY (off_scale _ c _ OZ))) as [_ U].
  eapply Rle_trans; [right | exact U]. unfold u. rewrite Wᵀ_add, Wᵀ_scale, <- !adjoint.
  set (v := Wᵀ y). set (x := Wᵀ z). expand. rewrite (dot_sym x v). ring.
Qed.
Theorem sharp : Sharp.
Proof.
  intros δ g c π z S T P R2 HS Z x [HT B]. destruct (spectrum δ c z S T R2 HS HT Z) as [E1 E2].
  fold x in E1, E2. replace (Wᵀ (W x ↾ T) ⊖ x) with (Wᵀ (W x ↾ T ⊖ z)) by apply Wᵀ_sub.
  replace (‖x‖²) with ⟨z, W x⟩ by (symmetry; apply adjoint).
  apply (five_terms δ g c π (W x) z S T (fun _ => false)); auto; [| easy].
  replace (S ∖ T ∖ fun _ => false) with (S ∖ T) by (places; now rewrite andb_true_r).
  apply won_at_least; auto.
Qed.
Theorem relu_sharp : Relu_sharp.
Proof.
  intros δ g c π z S T D G P R2 HS Z Pz x [[HT B] Pu].
  destruct (spectrum δ c z S T R2 HS HT Z) as [E1 E2].
  fold x in E1, E2. replace (Wᵀ (W x ↾ T) ⊖ x) with (Wᵀ (W x ↾ T ⊖ z)) by apply Wᵀ_sub.
  replace (‖x‖²) with ⟨z, W x⟩ by (symmetry; apply adjoint). set (u := W x) in *.
  apply (five_terms δ g c π u z S T (fun p => if Rle_dec (u p) 0 then true else false)); auto.
  - apply Rle_trans with (‖relu u ↾ (S ∖ T)‖²).
    + apply sum_le; intro p. unfold on, minus, relu.
      destruct (Rle_dec (u p) 0); destruct (S p && negb (T p)); simpl; try nra.
      rewrite Rmax_left; lra.
    + eapply Rle_trans; [apply won_at_least, (B S HS) |]. right.
      rewrite relu_kept; auto. intros p E. apply Pu. unfold minus in E. now destruct (T p).
  - intros p E. destruct (Rle_dec (u p) 0); [auto | easy].
Qed.

(* On an interval a polynomial of degree 4 is not negative if it is a sum of the products
   (δ - a)^i (b - δ)^(4 - i) with factors that are not negative: lra finds the factors. *)
Ltac bernstein a b δ :=
  assert (0 <= δ - a) by lra; assert (0 <= b - δ) by lra;
  pose proof (pow_le (δ - a) 4 ltac:(lra)); pose proof (pow_le (b - δ) 4 ltac:(lra));
  pose proof (Rmult_le_pos _ _ (pow_le (δ - a) 3 ltac:(lra)) (pow_le (b - δ) 1 ltac:(lra)));
  pose proof (Rmult_le_pos _ _ (pow_le (δ - a) 2 ltac:(lra)) (pow_le (b - δ) 2 ltac:(lra)));
  pose proof (Rmult_le_pos _ _ (pow_le (δ - a) 1 ltac:(lra)) (pow_le (b - δ) 3 ltac:(lra)));
  lra.
Lemma numbers_5_3 δ : 0 <= δ <= 53 / 100 ->
  proves δ ((5 / 3 * δ)^2) (3 / 2 * δ) (273 / 100 - 27 / 10 * δ).
Proof.
  intros [D0 D1]. unfold proves, PSD. repeat split; try nra.
  destruct (Rle_dec δ (53 / 400)); [bernstein 0 (53 / 400) δ |].
  destruct (Rle_dec δ (53 / 200)); [bernstein (53 / 400) (53 / 200) δ |].
  bernstein (53 / 200) (53 / 100) δ.
Qed.
Lemma numbers_165 δ : 0 <= δ <= 54 / 100 ->
  proves δ ((165 / 100 * δ)^2) (3 / 2 * δ) (272 / 100 - 265 / 100 * δ).
Proof.
  intros [D0 D1]. unfold proves, PSD. repeat split; try nra.
  destruct (Rle_dec δ (54 / 400)); [bernstein 0 (54 / 400) δ |].
  destruct (Rle_dec δ (54 / 200)); [bernstein (54 / 400) (54 / 200) δ |].
  bernstein (54 / 200) (54 / 100) δ.
Qed.

(* Where the energy bound is below t δ. *)
Lemma energy_slope δ t : 0 <= t -> 0 <= δ -> 2 <= (1 + t^2) * δ -> sqrt (2 * δ - δ^2) <= t * δ.
Proof.
  intros T D L. rewrite <- (sqrt_square (t * δ)) by nra. apply sqrt_le_1_alt. nra.
Qed.
Theorem five_thirds : Five_thirds.
Proof.
  intros δ z S T D R2 HS Z x B. destruct (Rle_dec δ (53 / 100)) as [L | L].
  - apply norm_le_norm; [lra |].
    apply (sharp δ _ _ _ z S T (numbers_5_3 δ ltac:(lra)) R2 HS Z B).
  - eapply Rle_trans; [apply (energy_on_the_model w model δ z S T D (RIP_1_of_2 _ _ _ R2) HS Z B)
      |].
    apply Rmult_le_compat_r; [apply sqrt_pos | apply energy_slope; lra].
Qed.
Theorem slope_165 : Slope_165.
Proof.
  intros δ z S T D R2 HS Z x B. destruct (Rle_dec δ (54 / 100)) as [L | L].
  - apply norm_le_norm; [lra |].
    apply (sharp δ _ _ _ z S T (numbers_165 δ ltac:(lra)) R2 HS Z B).
  - eapply Rle_trans; [apply (energy_on_the_model w model δ z S T D (RIP_1_of_2 _ _ _ R2) HS Z B)
      |].
    apply Rmult_le_compat_r; [apply sqrt_pos | apply energy_slope; lra].
Qed.
Theorem relu_slope_165 : Relu_slope_165.
Proof.
  intros δ z S T D R2 HS Z Pz x B. destruct (Rle_dec δ (54 / 100)) as [L | L].
  - apply norm_le_norm; [lra |]. assert (G : (165 / 100 * δ)^2 <= 1) by nra.
    apply (relu_sharp δ _ _ _ z S T (proj1 D) G (numbers_165 δ ltac:(lra)) R2 HS Z Pz B).
  - eapply Rle_trans; [apply (relu_energy w model δ z S T D (RIP_1_of_2 _ _ _ R2) HS Z Pz B) |].
    apply Rmult_le_compat_r; [apply sqrt_pos | apply energy_slope; lra].
Qed.

(* A symmetric matrix that takes z to ρ and is no larger than it must be: its quadratic form. *)
Lemma form_to (z ρ : code) e : 0 <= e -> ‖ρ‖² = e^2 * ‖z‖² -> exists Q : code -> R,
  (forall f, - e * ‖f‖² <= Q f <= e * ‖f‖²) /\
  forall f c, Q (f ⊕ c ⊙ z) = Q f + 2 * c * ⟨f, ρ⟩ + c^2 * ⟨z, ρ⟩.
Proof.
  intros E N. set (n := e ⊙ z ⊖ ρ).
  assert (Nn : ‖n‖² = 2 * e * ⟨n, z⟩) by (unfold n; expand; rewrite (dot_sym z ρ), N; ring).
  assert (Nf : forall f, ⟨n, f⟩ = e * ⟨z, f⟩ - ⟨ρ, f⟩) by (intro; unfold n; expand; ring).
  destruct (Req_dec (‖n‖²) 0) as [Z | Z].
  - assert (Z0 : forall f, ⟨n, f⟩ = 0).
    { intro f. pose proof (cauchy_schwarz n f) as C1.
      pose proof (cauchy_schwarz n ((-1) ⊙ f)) as C2.
      rewrite dot_scale_r in C2. rewrite Z, sqrt_0 in *. lra. }
    exists (fun f => e * ‖f‖²). split; [intro f; pose proof (pos f); nra |].
    intros f c. expand. pose proof (Z0 f) as A. pose proof (Z0 z) as B. rewrite Nf in A, B.
    rewrite (dot_sym f z), (dot_sym f ρ), (dot_sym z ρ). nra.
  - exists (fun f => e * (‖f‖² - 2 * ⟨n, f⟩^2 / ‖n‖²)). split.
    + intro f. assert (C : 0 <= ⟨n, f⟩^2 / ‖n‖² <= ‖f‖²).
      { pose proof (pos n) as P. assert (0 < ‖n‖²) by lra. split.
        - apply Rmult_le_pos; [apply pow2_ge_0 | left; now apply Rinv_0_lt_compat].
        - apply (Rmult_le_reg_l (‖n‖²)); auto.
          replace (‖n‖² * (⟨n, f⟩^2 / ‖n‖²)) with (⟨n, f⟩^2) by (field; auto).
          pose proof (pos (‖n‖² ⊙ f ⊖ ⟨n, f⟩ ⊙ n)) as K. expand. rewrite (dot_sym f n) in K.
          apply (Rmult_le_reg_l (‖n‖²)); auto. lra. }
      replace (2 * ⟨n, f⟩^2 / ‖n‖²) with (2 * (⟨n, f⟩^2 / ‖n‖²)) by (field; auto).
      set (k := ⟨n, f⟩^2 / ‖n‖²) in *. pose proof (pos f). nra.
    + intros f c. assert (E0 : e <> 0) by (intros ->; lra). rewrite dot_add_r, dot_scale_r.
      assert (A : ⟨n, z⟩ <> 0) by (intro A; rewrite A in Nn; lra).
      rewrite Nn. expand. rewrite (dot_sym z f), (dot_sym f ρ), (dot_sym z ρ).
      replace ⟨ρ, f⟩ with (e * ⟨z, f⟩ - ⟨n, f⟩) by (rewrite Nf; ring).
      replace ⟨ρ, z⟩ with (e * ⟨z, z⟩ - ⟨n, z⟩) by (rewrite Nf; ring).
      rewrite (dot_sym f z). field. auto.
Qed.
Theorem noise_sharp : Noise_sharp.
Proof.
  intros δ η g c π z r S T D G R2 HS Z Zp Eta Dl P x₀ x [HT B].
  set (u := W x) in *. set (y := u ↾ T ⊖ z). set (U := S ∪ T). set (ρ := W r ↾ U).
  assert (OZ : off U z) by (apply (off_mono S); auto; unfold U, union; intros p ->; auto).
  assert (OY : off U y).
  { apply off_sub; auto. apply (off_mono T); [| apply off_on].
    unfold U, union. intros p ->. apply orb_true_r. }
  assert (HU : Ms model 2 U) by now apply Ms_2.
  assert (In : forall f, off U f -> ⟨f, u⟩ = ⟨Wᵀ f, x₀⟩ + ⟨f, ρ⟩).
  { intros f F. unfold u, x, ρ. rewrite W_add, dot_add_r, <- adjoint, <- dot_on.
    unfold off in F. now rewrite F. }
  pose proof (sqrt_pos (‖z‖²)) as Z0. pose proof (sqrt_pos (‖r‖²)) as R0.
  pose proof (sqrt_pos (‖x₀‖²)) as X0. pose proof (norm_sq z) as Nz. pose proof (norm_sq r) as Nr.
  pose proof (norm_sq x₀) as Nx. pose proof (sqrt_pos (1 + δ)) as Q0.
  assert (H0' : 0 <= η).
  { apply (Rmult_le_reg_r (‖z‖)); auto. rewrite <- Eta, Rmult_0_l. now apply Rmult_le_pos. }
  assert (Hρ : ‖ρ‖² <= η^2 * ‖z‖²).
  { eapply Rle_trans; [now apply (heard w model 2 δ U) |].
    apply (f_equal (fun a => a * a)) in Eta. rewrite <- Nz, <- Nr.
    assert (sqrt (1 + δ) * sqrt (1 + δ) = 1 + δ) by (apply sqrt_sqrt; lra). nra. }
  set (e := ‖ρ‖ / ‖z‖). pose proof (norm_sq ρ) as Nρ. pose proof (sqrt_pos (‖ρ‖²)) as P0.
  assert (He : e * ‖z‖ = ‖ρ‖) by (unfold e; field; lra).
  assert (E0 : 0 <= e) by (unfold e; apply Rmult_le_pos; [auto | left;
    now apply Rinv_0_lt_compat]).
  assert (E1 : e <= η).
  { apply (Rmult_le_reg_r (‖z‖)); auto. rewrite He. apply norm_le_norm; auto. }
  destruct (form_to z ρ e E0) as (Q & Qb & Qs); [rewrite <- Nρ, <- Nz, <- He; ring |].
  assert (Main : ‖Wᵀ y‖² + Q y <= g * ⟨z, u⟩).
  { apply (five_terms (δ + η) g c π u z S T (fun _ => false)); auto; [| | | easy].
    - fold y.
      pose proof (rip w model 2 δ _ _ R2 HU (off_add _ _ _ OY (off_scale _ c _ OZ))) as [_ Up].
      pose proof (proj2 (Qb (y ⊕ c ⊙ z))) as Uq. rewrite Qs in Uq.
      rewrite !In by auto. fold x₀. rewrite Wᵀ_add, Wᵀ_scale in Up. fold x₀ in Up.
      pose proof (pos (y ⊕ c ⊙ z)) as Pp.
      assert (e * ‖y ⊕ c ⊙ z‖² <= η * ‖y ⊕ c ⊙ z‖²) by (apply Rmult_le_compat_r; auto).
      set (m := ‖y ⊕ c ⊙ z‖²) in *. set (v := Wᵀ y) in *. expand.
      rewrite (dot_sym x₀ v) in Up. lra.
    - apply square_le. eapply Rle_trans; [now apply (crosstalk w model δ z r (S ∪ T)) |].
      rewrite Eta. lra.
    - replace (S ∖ T ∖ fun _ => false) with (S ∖ T) by (places; now rewrite andb_true_r).
      apply won_at_least; auto. }
  rewrite (In z OZ) in Main.
  assert (Zr : ⟨z, ρ⟩ <= ‖x₀‖ * ‖r‖).
  { unfold ρ. rewrite <- dot_on. unfold off in OZ. rewrite OZ, <- adjoint. apply cauchy_schwarz. }
  pose proof (proj1 (Qb y)) as Ql. pose proof (pos y) as Py.
  pose proof (rip w model 2 δ _ _ R2 HU OY) as [Low _].
  set (G1 := ‖Wᵀ y‖²) in *. set (Y := ‖y‖²) in *.
  assert (K : G1 <= g * ((1 - δ) / (1 - (δ + η))) * (‖x₀‖ * (‖x₀‖ + ‖r‖))).
  { apply (Rmult_le_reg_l (1 - (δ + η))); [lra |].
    replace ((1 - (δ + η)) * (g * ((1 - δ) / (1 - (δ + η))) * (‖x₀‖ * (‖x₀‖ + ‖r‖))))
      with ((1 - δ) * (g * (‖x₀‖ * ‖x₀‖ + ‖x₀‖ * ‖r‖))) by (field; lra).
    rewrite Nx. fold x₀ in Main.
    assert (e * Y <= η * Y) by (apply Rmult_le_compat_r; auto).
    assert (A1 : g * (‖x₀‖² + ⟨z, ρ⟩) <= g * (‖x₀‖² + ‖x₀‖ * ‖r‖)) by (apply Rmult_le_compat_l;
      lra).
    assert (A2 : (1 - δ) * (G1 - η * Y) <= (1 - δ) * (g * (‖x₀‖² + ‖x₀‖ * ‖r‖)))
      by (apply Rmult_le_compat_l; lra).
    assert (A3 : η * ((1 - δ) * Y) <= η * G1) by (apply Rmult_le_compat_l; lra).
    lra. }
  replace (Wᵀ (u ↾ T) ⊖ x) with ((-1) ⊙ r ⊕ Wᵀ y).
  - eapply Rle_trans; [apply triangle |]. apply Rplus_le_compat.
    + right. f_equal. expand. ring.
    + apply sqrt_le_1_alt. exact K.
  - unfold y, x, x₀. rewrite Wᵀ_sub. places. ring.
Qed.
End Sharp.
