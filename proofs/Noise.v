(* The chapter "There and back, with a guarantee": x = Wᵀ z + r, with any r. *)
Require Import Layer Reconstruction Branch.

Section Noise.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Hypothesis eq_dec : forall p q : Place, {p = q} + {p <> q}.
Hypothesis once : NoDup (all : list Place).
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

(* Lemma "Crosstalk": what the places of a support T of M_k^2 hear of each other, and of the noise;
   z vanishes off T. *)
Definition Crosstalk :=
  forall δ z r T, 0 <= δ -> RIP 2 δ -> Ms 2 T -> off T z ->
  let x := Wᵀ z ⊕ r in
  ‖(W x ⊖ z) ↾ T‖ <= δ * ‖z‖ + sqrt (1 + δ) * ‖r‖.

(* Theorem "Robustness", first line: the code. *)
Definition Noise_code_bound :=
  forall δ₂ z r S Ŝ, 0 <= δ₂ -> RIP 2 δ₂ -> model S -> off S z ->
  let x := Wᵀ z ⊕ r in pools (W x) Ŝ ->
  ‖W x ↾ Ŝ ⊖ z‖ <= φ * (δ₂ * ‖z‖ + sqrt (1 + δ₂) * ‖r‖).

(* Theorem "Robustness", second line: the direct bound. *)
Definition Noise_direct :=
  forall δ₁ δ₂ z r S Ŝ, 0 <= δ₁ -> 0 <= δ₂ < 1 -> RIP 1 δ₁ -> RIP 2 δ₂ -> model S -> off S z ->
  let x := Wᵀ z ⊕ r in pools (W x) Ŝ ->
  let ρ := sqrt ((1 + δ₁) / (1 - δ₂)) in
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖ <= δ₂ * Λ ρ * ‖x‖ + ρ * ‖r‖.

(* Theorem "Robustness", third line: the energy bound. *)
Definition Noise_energy :=
  forall δ z r S Ŝ, δ < 1 -> RIP 1 δ -> model S -> off S z ->
  let x := Wᵀ z ⊕ r in pools (W x) Ŝ ->
  ‖Wᵀ (W x ↾ Ŝ) ⊖ x‖² <= ‖x‖² - (1 - δ)^2 * (‖x‖² - ‖r‖²).

(* Proofs. *)

(* The part of a signal in the span of the filters of l, and the rest, which these filters do not
   hear. *)
Lemma span (l : list Place) : (forall p, In p l -> In p all) -> forall x, exists y : Place -> R,
  (forall p, ~ In p l -> y p = 0) /\ forall p, In p l -> ⟨w p, x ⊖ Wᵀ y⟩ = 0.
Proof.
  induction l as [| a l IH]; intros I x.
  { exists (fun _ => 0). split; [auto | easy]. }
  destruct (IH ltac:(intros; apply I; now right) x) as (y1 & Y1 & N1).
  destruct (IH ltac:(intros; apply I; now right) (w a)) as (y2 & Y2 & N2).
  set (n := x ⊖ Wᵀ y1) in *. set (b := w a ⊖ Wᵀ y2) in *.
  assert (Z : forall v, (forall p, In p l -> ⟨w p, v⟩ = 0) -> ⟨w a, v⟩ = ⟨b, v⟩).
  { intros v V. unfold b. rewrite dot_sub_l, adjoint. replace ⟨y2, W v⟩ with 0; [ring |].
    unfold dot at 1.
    transitivity (sum (A := Place) all (fun _ => 0)); [symmetry; apply sum_zero | apply sum_ext;
      intro p].
    destruct (in_dec eq_dec p l) as [J | J]; [unfold Layer.W;
      rewrite (V p J) | rewrite (Y2 p J)]; ring. }
  destruct (Req_dec (‖b‖²) 0) as [B | B].
  - exists y1. split; [intros p J; apply Y1; intro; apply J; now right |].
    intros p [<- | J]; auto. fold n. rewrite (Z n N1).
    pose proof (cauchy_schwarz b n) as C. pose proof (cauchy_schwarz ((-1) ⊙ b) n) as C2.
    rewrite dot_scale_l in C2.
    replace (‖(-1) ⊙ b‖²) with (‖b‖²) in C2 by (expand; ring). rewrite B, sqrt_0 in *. lra.
  - set (c := ⟨b, n⟩ / ‖b‖²). exists (y1 ⊕ c ⊙ (basis eq_dec a ⊖ y2)). split.
    + intros p J. unfold add, scale, sub, basis. rewrite Y1, Y2 by (intro; apply J; now right).
      destruct (eq_dec p a) as [-> |]; [exfalso; apply J; now left | ring].
    + assert (E : x ⊖ Wᵀ (y1 ⊕ c ⊙ (basis eq_dec a ⊖ y2)) = n ⊖ c ⊙ b).
      { rewrite Wᵀ_add, Wᵀ_scale, Wᵀ_sub. replace (Wᵀ (basis eq_dec a)) with (w a).
        - unfold n, b. extensionality q. unfold add, sub, scale. ring.
        - extensionality q. symmetry. apply (sum_basis eq_dec all a (fun p => w p q)); auto.
          apply I; now left. }
      rewrite E. intros p [<- | J].
      * rewrite Z by (intros p J; rewrite dot_sub_r, dot_scale_r, N1, N2 by auto; ring).
        rewrite dot_sub_r, dot_scale_r. unfold c. field. auto.
      * rewrite dot_sub_r, dot_scale_r, N1, N2 by auto. ring.
Qed.

(* Two variables, with a part of w of norm g that is not paid for. *)
Lemma two_variables_noise {A} `{Finite A} (h v : A -> R) ρ g : 0 < ρ -> 0 <= g ->
  (forall s, 0 <= s -> ‖v‖ <= ρ * ‖h ⊕ s ⊙ v‖ + g) -> ‖h ⊖ v‖ <= Λ ρ * ‖h‖ + g.
Proof.
  intros P G B. destruct (Λ_spec ρ ltac:(lra)) as [L _].
  assert (T : forall t, 0 <= t <= 1 -> t * ‖v‖ <= ρ * ‖h ⊕ (/ (ρ * Λ ρ)) ⊙ t ⊙ v‖ ->
    (1 - t) * ‖v‖ <= g -> ‖h ⊖ v‖ <= Λ ρ * ‖h‖ + g).
  { intros t Ht K Q.
    replace (h ⊖ v) with ((h ⊖ t ⊙ v) ⊕ (-(1 - t)) ⊙ v) by (extensionality a;
      unfold add, sub, scale; ring).
    assert (Sc : forall c, ‖c ⊙ v‖² = c^2 * ‖v‖²) by (intro; expand; ring).
    eapply Rle_trans; [apply triangle |]. apply Rplus_le_compat.
    - apply norm_le_norm; [lra |]. apply two_variables; auto. apply square_le.
      apply Rle_trans with (t * ‖v‖); auto. apply norm_le_norm; [lra |]. rewrite Sc. lra.
    - apply Rle_trans with ((1 - t) * ‖v‖); auto. apply norm_le_norm; [lra |]. rewrite Sc. lra. }
  destruct (Rle_dec (‖v‖) g) as [S | S].
  - apply (T 0); [lra | | lra]. pose proof (sqrt_pos (‖h ⊕ (/ (ρ * Λ ρ)) ⊙ 0 ⊙ v‖²)).
    nra.
  - assert (V : 0 < ‖v‖) by lra. set (t := 1 - g / ‖v‖).
    assert (E : t * ‖v‖ = ‖v‖ - g) by (unfold t; field; lra).
    assert (Ht : 0 <= t <= 1) by (split; nra).
    apply (T t Ht); [| lra]. rewrite E.
    assert (I : 0 <= / (ρ * Λ ρ)) by (left; apply Rinv_0_lt_compat; nra).
    specialize (B (/ (ρ * Λ ρ) * t) ltac:(nra)).
    replace ((/ (ρ * Λ ρ)) ⊙ t ⊙ v) with ((/ (ρ * Λ ρ) * t) ⊙ v)
      by (extensionality a; unfold scale; ring). lra.
Qed.

Theorem crosstalk : Crosstalk.
Proof.
  intros δ z r T D R HT Z x.
  assert (E : (W x ⊖ z) ↾ T = (W (Wᵀ z) ⊖ z) ↾ T ⊕ W r ↾ T).
  { unfold x. rewrite W_add. extensionality p. unfold on, add, sub. destruct (T p); ring. }
  rewrite E. eapply Rle_trans; [apply triangle |]. apply Rplus_le_compat.
  - apply norm_le_norm; auto. now apply (crosstalk_at w model 2).
  - apply norm_le_norm; [apply sqrt_pos |].
    rewrite <- Rsqr_pow2, Rsqr_sqrt by lra. now apply (heard w model 2).
Qed.
Theorem noise_code_bound : Noise_code_bound.
Proof.
  intros δ₂ z r S T D R HS Z x B. eapply Rle_trans; [now apply (golden model _ _ S) |].
  destruct (Λ_spec 1 ltac:(lra)) as [L _]. apply Rmult_le_compat_l; [unfold φ; lra |].
  apply crosstalk; auto; [apply Ms_2; auto; apply B |].
  apply (off_mono S); auto; unfold union; intros p ->; auto.
Qed.
Theorem noise_energy : Noise_energy.
Proof.
  intros δ z r S T D R1 HS Z x B. rename δ into δ.
  replace (‖r‖²) with (‖x ⊖ Wᵀ z‖²); [now apply (energy w model δ x z S T) |].
  replace (x ⊖ Wᵀ z) with r; auto. unfold x. extensionality c. unfold sub, add. ring.
Qed.

Hypothesis complete : forall p : Place, In p all.
Theorem noise_direct : Noise_direct.
Proof.
  intros δ₁ δ₂ z r S T D1 D2 R1 R2 HS Z x [HT B] ρ.
  destruct (span (filter (S ∪ T) all) ltac:(auto) r) as (y & Y & Ny). set (n := r ⊖ Wᵀ y) in *.
  set (U := S ∪ T) in *.
  assert (N : W n ↾ U = fun _ => 0).
  { extensionality p. unfold on. destruct (U p) eqn:E; auto. apply Ny. now apply filter_In. }
  assert (OY : off U y).
  { unfold off. extensionality p. unfold on. destruct (U p) eqn:E; auto. symmetry. apply Y.
    rewrite filter_In. intros [_ K]. congruence. }
  assert (OZ : off U z) by (apply (off_mono S); auto; unfold U, union; intros p ->; auto).
  assert (Or : forall f, off U f -> ⟨Wᵀ f, n⟩ = 0).
  { intros f F. rewrite adjoint. unfold off in F. rewrite <- F, dot_on, N. unfold dot.
    transitivity (sum (A := Place) all (fun _ => 0)); [apply sum_ext; intro;
      ring | apply sum_zero]. }
  set (z' := z ⊕ y). assert (OZ' : off U z') by now apply off_add.
  assert (Ex : x = Wᵀ z' ⊕ n) by (unfold x, z', n; rewrite Wᵀ_add; extensionality c;
    unfold add, sub; ring).
  assert (Er : r = Wᵀ y ⊕ n) by (unfold n; extensionality c; unfold add, sub; ring).
  set (e := (W x ⊖ z) ↾ U). set (q := W x ↾ (S ∖ T)). set (e' := (W (Wᵀ z') ⊖ z') ↾ U).
  assert (Ee : e = e' ⊕ y).
  { unfold e, e'. rewrite Ex, W_add. extensionality p. apply (f_equal (fun f => f p)) in N, OY.
    unfold on, add, sub, z' in *. unfold add.
    destruct (U p); [rewrite N; ring | rewrite <- OY; ring]. }
  assert (Won : forall s, W x ↾ T ⊖ z = e ⊖ q /\ ‖q‖² <= ‖e ⊕ s ⊙ q‖²) by (intro s;
    apply won_and_lost; auto).
  assert (OQ : off S q) by (apply (off_mono (S ∖ T)); [unfold minus; intro p;
    now destruct (S p) | apply off_on]).
  assert (OQU : off U q) by (apply (off_mono S); auto; unfold U, union; intros p ->; auto).
  assert (OE' : off U e') by apply off_on.
  assert (Out : Wᵀ (W x ↾ T) ⊖ x = (Wᵀ e' ⊖ Wᵀ q) ⊖ n).
  { replace (W x ↾ T) with (e' ⊕ y ⊖ q ⊕ z).
    - rewrite Ex. unfold z'. rewrite !Wᵀ_add, Wᵀ_sub, Wᵀ_add. extensionality c. unfold add, sub.
      ring.
    - rewrite <- Ee. destruct (Won 0) as [E _]. extensionality p.
      apply (f_equal (fun f => f p)) in E. unfold add, sub in *. lra. }
  assert (HU : Ms 2 U) by (apply Ms_2; auto).
  assert (Qp : 0 < (1 + δ₁) / (1 - δ₂)) by (apply Rdiv_lt_0_compat; lra).
  assert (P : 0 < ρ) by now apply sqrt_lt_R0.
  assert (P2 : ρ^2 = (1 + δ₁) / (1 - δ₂)) by (unfold ρ; rewrite <- Rsqr_pow2;
    apply Rsqr_sqrt; lra).
  assert (P1 : 1 <= ρ).
  { rewrite <- sqrt_1. apply sqrt_le_1_alt. apply (Rmult_le_reg_l (1 - δ₂)); [lra |].
    replace ((1 - δ₂) * ((1 + δ₁) / (1 - δ₂))) with (1 + δ₁) by (field; lra). lra. }
  destruct (Λ_spec ρ ltac:(lra)) as [L _].
  set (xi := ‖Wᵀ z'‖). set (sg := ‖Wᵀ y‖). assert (0 <= xi) by apply sqrt_pos.
  assert (0 <= sg) by apply sqrt_pos.
  assert (K : ‖Wᵀ e' ⊖ Wᵀ q‖ <= Λ ρ * (δ₂ * xi) + ρ * sg).
  { eapply Rle_trans; [apply (two_variables_noise (Wᵀ e') (Wᵀ q) ρ (ρ * sg)); auto;
      [nra |] |].
    - intros s _. rewrite <- Rmult_plus_distr_l. apply Rle_trans with (ρ * ‖Wᵀ (e ⊕ s ⊙ q)‖).
      + apply norm_le_norm; [lra |]. rewrite P2. destruct (Won s) as [_ V].
        assert (OE : off U (e ⊕ s ⊙ q)) by (apply off_add; [apply off_on | now apply off_scale]).
        pose proof (rip _ _ _ _ _ _ R1 (Ms_1 _ _ HS) OQ) as [_ Up].
        pose proof (rip _ _ _ _ _ _ R2 HU OE) as [Low _].
        apply (Rmult_le_reg_l (1 - δ₂)); [lra |].
        replace ((1 - δ₂) * ((1 + δ₁) / (1 - δ₂) * ‖Wᵀ (e ⊕ s ⊙ q)‖²))
          with ((1 + δ₁) * ‖Wᵀ (e ⊕ s ⊙ q)‖²) by (field; lra).
        apply (Rmult_le_compat_l (1 - δ₂)) in Up; [| lra].
        apply (Rmult_le_compat_l ((1 - δ₂) * (1 + δ₁))) in V; [| nra].
        apply (Rmult_le_compat_l (1 + δ₁)) in Low; lra.
      + apply Rmult_le_compat_l; [lra |].
        replace (Wᵀ (e ⊕ s ⊙ q)) with ((Wᵀ e' ⊕ s ⊙ Wᵀ q) ⊕ Wᵀ y); [apply triangle |].
        rewrite Ee, !Wᵀ_add, Wᵀ_scale. extensionality c. unfold add, scale. ring.
    - apply Rplus_le_compat_r. apply Rmult_le_compat_l; [lra |]. apply norm_le_norm; [lra |].
      apply (crosstalk_in_signals w model 2); auto; lra. }
  assert (Nx : ‖x‖² = xi * xi + ‖n‖²) by (unfold xi; rewrite norm_sq, Ex; expand;
    rewrite (dot_sym n), (Or _ OZ'); ring).
  assert (Nr : ‖r‖² = sg * sg + ‖n‖²) by (unfold sg; rewrite norm_sq; rewrite Er at 1 2; expand;
    rewrite (dot_sym n), (Or _ OY); ring).
  assert (No : ‖Wᵀ (W x ↾ T) ⊖ x‖² = ‖Wᵀ e' ⊖ Wᵀ q‖² + ‖n‖²).
  { rewrite Out, <- Wᵀ_sub. assert (O : ⟨Wᵀ (e' ⊖ q), n⟩ = 0) by (apply Or; now apply off_sub).
    set (f := Wᵀ (e' ⊖ q)) in *. clearbody f. expand. rewrite (dot_sym n), O. ring. }
  pose proof (norm_sq x) as Sx. pose proof (norm_sq r) as Sr. pose proof (pos n) as Pn.
  set (ax := ‖x‖) in *. set (ar := ‖r‖) in *.
  assert (0 <= ax) by apply sqrt_pos. assert (0 <= ar) by apply sqrt_pos.
  assert (xi <= ax) by nra. assert (sg <= ar) by nra.
  pose proof (norm_sq (Wᵀ e' ⊖ Wᵀ q)) as Sk. set (k := ‖Wᵀ e' ⊖ Wᵀ q‖) in *.
  assert (0 <= k) by apply sqrt_pos.
  rewrite <- (Rmult_1_l (_ + _)). set (c := δ₂ * Λ ρ). assert (0 <= c) by (unfold c; nra).
  assert (0 <= c * ax + ρ * ar) by nra.
  apply norm_le; [lra | auto |]. rewrite No, <- Sk.
  replace (Λ ρ * (δ₂ * xi)) with (c * xi) in K by (unfold c; ring).
  assert (k * k <= (c * xi + ρ * sg) * (c * xi + ρ * sg)) by nra.
  assert (xi * sg <= ax * ar) by nra.
  assert (c * ρ * (xi * sg) <= c * ρ * (ax * ar)) by (apply Rmult_le_compat_l; nra).
  assert (1 * ‖n‖² <= ρ * ρ * ‖n‖²) by (apply Rmult_le_compat_r; nra).
  assert (c * c * (xi * xi) <= c * c * (ax * ax)) by (apply Rmult_le_compat_l; nra).
  assert (ρ * ρ * (ar * ar) = ρ * ρ * (sg * sg) + ρ * ρ * ‖n‖²) by (rewrite Sr, Nr;
    ring).
  lra.
Qed.
End Noise.
