(* Layers that attain the bounds. Each has the Gram matrix I + s R with a reflection R. *)
Require Import Layer Reconstruction Iht Branch Lia.

(* Three filters at one position (n = 1). *)
Inductive filter3 := F₀ | F₁ | F₂.
#[export] Instance filters3 : Finite filter3 := [F₀; F₁; F₂].
Definition at_most (k : nat) (T : filter3 -> bool) := (length (filter T all) <= k)%nat.
(* Two filters at one position. *)
#[export] Instance filters2 : Finite bool := [false; true].
Definition one_of_two (T : bool -> bool) := T false && T true = false.

(* Theorem "Reconstruction, from δ_2k": the bound for the code is attained, for every δ up to 1/φ,
   with K = 3, n = 1, k = 2, for one of the ways to break a tie. *)
Definition Code_bound_attained :=
  forall δ, 0 < δ -> φ * δ <= 1 -> exists (w : filter3 -> filter3 -> R) z S Ŝ,
  RIP w (at_most 2) 2 δ /\ at_most 2 S /\ off S z /\
  let u := W w (Wᵀ w z) in
  pools (at_most 2) u Ŝ /\ ‖u ↾ Ŝ ⊖ z‖² = (φ * δ)^2 * ‖z‖² /\ 0 < ‖z‖².

(* Proposition "The rate is the best possible for one step": K = 3, n = 1, k = 1, δ up to 7/10. *)
Definition Iht_attained :=
  forall δ, 0 < δ <= 7 / 10 -> exists (w : filter3 -> filter3 -> R) z zⱼ z' S Sⱼ Ŝ,
  RIP w (at_most 1) 3 δ /\ at_most 1 S /\ off S z /\ at_most 1 Sⱼ /\ off Sⱼ zⱼ /\
  step w (at_most 1) 1 (Wᵀ w z) zⱼ Ŝ z' /\
  ‖z' ⊖ z‖² = (φ * δ)^2 * ‖zⱼ ⊖ z‖² /\ 0 < ‖zⱼ ⊖ z‖².

(* Proposition "Fixed points": at the border and beyond there is another one. Two unit filters with
   the inner product c: K = 2, n = 1, k = 1. Their constant is c, no less. *)
Definition Trap :=
  forall c μ, 0 <= c < 1 -> 0 < μ -> μ * (1 - c^2) <= c -> 
  exists (w : bool -> bool -> R) z z' S Ŝ,
  RIP w one_of_two 2 c /\ (forall d, RIP w one_of_two 2 d -> c <= d) /\
  one_of_two S /\ off S z /\
  step w one_of_two μ (Wᵀ w z) z' Ŝ z' /\ 0 < ‖z' ⊖ z‖².

(* Proofs. *)

Section Realise.
Context {A : Type} `{Finite A}.
Hypothesis eq_dec : forall p q : A, {p = q} + {p <> q}.
Hypothesis once : NoDup (all : list A).
Hypothesis complete : forall p : A, In p all.
Variable n : A -> R.
Hypothesis N : 0 < ‖n‖².
Definition mirror (f : A -> R) := f ⊖ (2 * ⟨n, f⟩ / ‖n‖²) ⊙ n.
Lemma mirror_sym f g : ⟨mirror f, g⟩ = ⟨f, mirror g⟩.
Proof. unfold mirror. expand. rewrite (dot_sym f n). field. lra. Qed.
Lemma mirror_twice f : mirror (mirror f) = f.
Proof.
  unfold mirror at 1.
  replace ⟨n, mirror f⟩ with (- ⟨n, f⟩) by (unfold mirror; expand; field; lra).
  unfold mirror. places. field. lra.
Qed.
Lemma mirror_bound f : - ‖f‖² <= ⟨f, mirror f⟩ <= ‖f‖².
Proof.
  pose proof (pos (f ⊖ mirror f)) as P. pose proof (pos (f ⊕ mirror f)) as Q.
  assert (E : ⟨mirror f, mirror f⟩ = ‖f‖²) by now rewrite mirror_sym, mirror_twice.
  expand. rewrite (dot_sym (mirror f) f), E in *. lra.
Qed.
Lemma mirror_lin a b f g : mirror (a ⊙ f ⊕ b ⊙ g) = a ⊙ mirror f ⊕ b ⊙ mirror g.
Proof. unfold mirror. expand. places. field. lra. Qed.
(* w = α I + β R, so that W Wᵀ = (α² + β²) I + 2 α β R. *)
Lemma realise s : -1 < s < 1 -> exists w : A -> A -> R,
  (forall y, (1 - Rabs s) * ‖y‖² <= ‖Wᵀ w y‖² <= (1 + Rabs s) * ‖y‖²) /\
  forall y, W w (Wᵀ w y) = y ⊕ s ⊙ mirror y.
Proof.
  intro Hs. set (h := sqrt (1 + s)). set (k := sqrt (1 - s)).
  assert (Hh : h * h = 1 + s) by (apply sqrt_sqrt; lra).
  assert (Hk : k * k = 1 - s) by (apply sqrt_sqrt; lra). clearbody h k.
  set (α := (h + k) / 2). set (β := (h - k) / 2).
  assert (E1 : α * α + β * β = 1) by (unfold α, β; lra).
  assert (E2 : 2 * (α * β) = s) by (unfold α, β; lra). clearbody α β.
  set (b := basis eq_dec). set (w := fun p => α ⊙ b p ⊕ β ⊙ mirror (b p)).
  assert (B : forall p f, ⟨b p, f⟩ = f p) by (intros; apply (basis_l eq_dec once); auto).
  assert (EW : forall x, W w x = α ⊙ x ⊕ β ⊙ mirror x).
  { intro x. extensionality p. unfold W, w. expand. rewrite mirror_sym, !B.
    unfold add, scale. reflexivity. }
  assert (ET : forall z, Wᵀ w z = α ⊙ z ⊕ β ⊙ mirror z).
  { intro z. rewrite <- EW. extensionality c. unfold Wᵀ, W. apply sum_ext. intro p.
    rewrite Rmult_comm. f_equal. rewrite <- (B c (w p)), <- (B p (w c)). unfold w. expand.
    rewrite <- mirror_sym, (dot_sym (b c)), (dot_sym (mirror (b c))). ring. }
  exists w. split; intro y.
  - rewrite ET. expand. pose proof (mirror_bound y) as M.
    assert (E : ⟨mirror y, mirror y⟩ = ‖y‖²) by now rewrite mirror_sym, mirror_twice.
    rewrite (dot_sym (mirror y) y), E.
    replace (_ + _ + (_ + _))
      with ((α * α + β * β) * ‖y‖² + 2 * (α * β) * ⟨y, mirror y⟩) by ring.
    rewrite E1, E2. unfold Rabs. destruct (Rcase_abs s); nra.
  - rewrite EW, !ET, mirror_lin, mirror_twice. places. clear - E1 E2.
    replace (y p + s * mirror y p) with ((α * α + β * β) * y p + 2 * (α * β) * mirror y p)
      by (rewrite E1, E2; ring). ring.
Qed.
(* If n = t f - g with |g| = t |f|, the mirror takes t f to g. *)
Lemma mirror_to t f g : t <> 0 -> n = t ⊙ f ⊖ g -> ‖g‖² = t^2 * ‖f‖² -> t ⊙ mirror f = g.
Proof.
  intros T E G. assert (Q : ‖n‖² = 2 * t * ⟨n, f⟩).
  { rewrite E at 1 2. rewrite E. expand. rewrite (dot_sym g f), G. ring. }
  unfold mirror. rewrite Q. assert (⟨n, f⟩ <> 0) by (intro Z; rewrite Z in Q; lra).
  rewrite E at 3. places. field. auto.
Qed.
End Realise.
Lemma eq_dec3 (p q : filter3) : {p = q} + {p <> q}. Proof. decide equality. Qed.
Lemma once3 : NoDup (all : list filter3).
Proof. repeat constructor; simpl; intuition discriminate. Qed.
Lemma complete3 (p : filter3) : In p all. Proof. destruct p; simpl; auto. Qed.
Definition vec (a b c : R) p := match p with F₀ => a | F₁ => b | F₂ => c end.
Ltac calc3 := unfold dot, all, filters3, sub, add, scale, on; simpl.

Theorem code_bound_attained : Code_bound_attained.
Proof.
  intros δ D Hd. destruct (Λ_spec 1 ltac:(lra)) as [L Q]. fold φ in L, Q.
  assert (F : φ^2 = φ + 1) by lra. assert (F1 : 1 < φ) by nra.
  assert (D1 : δ < 1) by nra.
  set (t := sqrt ((1 + φ^2) / δ^2 - φ^4)).
  assert (T2 : t * t = (1 + φ^2) / δ^2 - φ^4 /\ φ^2 <= t * t).
  { assert (φ^2 * (1 + φ^2) <= (1 + φ^2) / δ^2).
    { apply (Rmult_le_reg_r (δ^2)); [nra |].
      replace ((1 + φ^2) / δ^2 * δ^2) with (1 + φ^2) by (field; lra).
    replace (φ^2 * (1 + φ^2) * δ^2) with ((φ * δ)^2 * (1 + φ^2)) by ring.
    assert (0 < φ * δ) by nra. set (y := φ * δ) in *. assert (y^2 <= 1) by nra. nra. }
    unfold t. rewrite sqrt_sqrt; nra. }
  destruct T2 as [T2 T3]. assert (T0 : 0 <= t) by apply sqrt_pos. clearbody t.
  set (z := vec t (φ^2) 0). set (e := vec 0 (-1) φ). set (n := δ ⊙ z ⊖ e).
  assert (Nn : 0 < ‖n‖²) by (unfold n, z, e; calc3; nra).
  assert (Ne : ‖e‖² = δ^2 * ‖z‖²).
  { unfold e, z. calc3. replace (t * t + (φ * (φ * 1) * (φ * (φ * 1)) + (0 * 0 + 0)))
      with ((1 + φ^2) / δ^2) by (rewrite T2; ring). field. lra. }
  destruct (realise eq_dec3 once3 complete3 n Nn δ ltac:(lra)) as (w & Wr & Wu).
  rewrite Rabs_pos_eq in Wr by lra.
  assert (U : W w (Wᵀ w z) = vec t φ φ).
  { rewrite Wu, (mirror_to n Nn δ z e ltac:(lra) eq_refl Ne). unfold z, e.
    extensionality p. unfold add. destruct p; simpl; nra. }
  exists w, z, (fun p => match p with F₂ => false | _ => true end),
    (fun p => match p with F₁ => false | _ => true end). rewrite U. split; [| split; [| split]].
  - intros y _. apply Wr.
  - unfold at_most. simpl. auto.
  - unfold off, on, z. extensionality p. now destruct p.
  - split; [split |].
    + unfold at_most. simpl. auto.
    + intros S. unfold at_most, all, filters3. simpl. calc3.
      destruct (S F₀), (S F₁), (S F₂); simpl; intro K; try nra. lia.
    + split; [| unfold z; calc3; nra].
      replace ((φ * δ)^2 * ‖z‖²) with (φ^2 * (δ^2 * ‖z‖²)) by ring. rewrite <- Ne. unfold e, z.
      calc3. replace (φ * (φ * 1)) with (φ + 1) by lra. nra.
Qed.

Theorem iht_attained : Iht_attained.
Proof.
  intros δ D. destruct (Λ_spec 1 ltac:(lra)) as [L Q]. fold φ in L, Q.
  assert (F : φ^2 = φ + 1) by lra. assert (F1 : 8 / 5 < φ < 17 / 10) by nra.
  set (t := sqrt ((1 + φ^2) / δ^2 - (φ + 1)^2)).
  assert (T2 : t * t = (1 + φ^2) / δ^2 - (φ + 1)^2).
  { unfold t. rewrite sqrt_sqrt; auto. enough ((φ + 1)^2 <= (1 + φ^2) / δ^2) by lra.
    apply (Rmult_le_reg_r (δ^2)); [nra |].
    replace ((1 + φ^2) / δ^2 * δ^2) with (1 + φ^2) by (field; lra).
    replace ((φ + 1)^2) with (3 * φ + 2) by lra. assert (δ^2 <= 49 / 100) by nra. nra. }
  clearbody t.
  set (z := vec (φ + 1) 0 0). set (zj := vec 0 0 t). set (d := zj ⊖ z). set (e := vec (-1) φ 0).
  set (n := δ ⊙ d ⊖ e).
  assert (Nn : 0 < ‖n‖²) by (unfold n, d, z, zj, e; calc3; nra).
  assert (Ne : ‖e‖² = δ^2 * ‖d‖²).
  { unfold e, d, z, zj. calc3.
    replace ((0 - (φ + 1)) * (0 - (φ + 1)) + ((0 - 0) * (0 - 0) + ((t - 0) * (t - 0) + 0)))
      with ((1 + φ^2) / δ^2) by (replace ((t - 0) * (t - 0)) with (t * t) by ring; rewrite T2;
        ring).
    field. lra. }
  destruct (realise eq_dec3 once3 complete3 n Nn (- δ) ltac:(lra)) as (w & Wr & Wu).
  rewrite Rabs_Ropp, Rabs_pos_eq in Wr by lra.
  pose proof (mirror_to n Nn δ d e ltac:(lra) eq_refl Ne) as Me.
  assert (U : zj ⊕ 1 ⊙ W w (Wᵀ w z ⊖ Wᵀ w zj) = vec φ φ 0).
  { rewrite <- Wᵀ_sub. replace (z ⊖ zj) with ((-1) ⊙ d) by (unfold d; places; ring).
    rewrite Wu. unfold mirror. rewrite dot_scale_r. extensionality p.
    apply (f_equal (fun f => f p)) in Me. unfold mirror, add, sub, scale in *.
    replace (2 * (-1 * ⟨n, d⟩) / ‖n‖²) with (- (2 * ⟨n, d⟩ / ‖n‖²)) by (field; lra).
    set (c := 2 * ⟨n, d⟩ / ‖n‖²) in *. clearbody c. clear Nn Ne Wr Wu T2.
    change (d p) with (zj p - z p) in *.
    clearbody n. unfold z, zj, e in *. destruct p; simpl in *; lra. }
  exists w, z, zj, (vec 0 φ 0), (fun p => match p with F₀ => true | _ => false end),
    (fun p => match p with F₂ => true | _ => false end),
    (fun p => match p with F₁ => true | _ => false end).
  split; [| split; [| split; [| split; [| split; [| split]]]]].
  - intros y _. apply Wr.
  - unfold at_most. simpl. auto.
  - unfold off, on, z. extensionality p. now destruct p.
  - unfold at_most. simpl. auto.
  - unfold off, on, zj. extensionality p. now destruct p.
  - unfold step. rewrite U. split; [split |].
    + unfold at_most. simpl. auto.
    + intros S. unfold at_most, all, filters3. simpl. calc3.
      destruct (S F₀), (S F₁), (S F₂); simpl; intro K; try nra; lia.
    + unfold on. extensionality p. now destruct p.
  - fold d. replace ((φ * δ)^2 * ‖d‖²) with (φ^2 * (δ^2 * ‖d‖²)) by ring. rewrite <- Ne.
    unfold e, z, d, zj, z. calc3.
    replace (φ * (φ * 1)) with (φ + 1) by lra. nra.
Qed.

Theorem trap : Trap.
Proof.
  intros c μ C M B. set (g := sqrt (1 - c^2)).
  assert (G : g * g = 1 - c^2) by (apply sqrt_sqrt; nra).
  assert (0 < g) by (apply sqrt_lt_R0; nra).
  clearbody g.
  exists (fun p q : bool => if p then (if q then g else c) else if q then 0 else 1),
    (fun p : bool => if p then 0 else 1), (fun p : bool => if p then c else 0), negb,
      (fun p => p).
  assert (Z : forall y : bool -> R, 2 * (y false * y true) <= y false * y false + y true * y true
    /\ - 2 * (y false * y true) <= y false * y false + y true * y true).
  { intro y. pose proof (pow2_ge_0 (y false - y true)). pose proof (pow2_ge_0 (y false + y true)).
    lra. }
  split; [| split; [| split; [| split; [| split]]]].
  - intros y _. specialize (Z y). unfold dot, Wᵀ, all, filters2. simpl.
    replace ((y false * 1 + (y true * c + 0)) * (y false * 1 + (y true * c + 0)) +
      ((y false * 0 + (y true * g + 0)) * (y false * 0 + (y true * g + 0)) + 0))
      with (y false * y false + (c * c + g * g) * (y true * y true) + c * (2 * (y false * y
        true)))
      by ring.
    rewrite G. split; nra.
  - intros d R. destruct (R (fun _ => 1)) as [_ U].
    { exists negb, (fun p : bool => if p then 0 else 1), (fun p : bool => if p then 1 else 0).
      split; [reflexivity | split; [| split]].
      - unfold off, on. extensionality p. now destruct p.
      - exists (fun p => p), (fun p : bool => if p then 1 else 0), (fun _ => 0).
        split; [reflexivity | split; [| split; [reflexivity |]]].
        + unfold off, on. extensionality p. now destruct p.
        + extensionality p. unfold add. destruct p; ring.
      - extensionality p. unfold add. destruct p; ring. }
    unfold dot, Wᵀ, all, filters2 in U. simpl in U. nra.
  - reflexivity.
  - unfold off, on. extensionality p. now destruct p.
  - unfold step.
    match goal with |- pools _ ?v _ /\ _ =>
      assert (U : v = fun p : bool => if p then c else μ * (1 - c^2)) end.
    { extensionality p. unfold add, scale, W, Wᵀ, sub, dot, all, filters2.
      destruct p; simpl; [| ring].
      transitivity (c + μ * c * (1 - c^2 - g * g)); [ring | rewrite G; ring]. }
    rewrite U. split; [split |].
    + reflexivity.
    + intros S. unfold one_of_two, dot, all, filters2, on. simpl.
      assert (0 <= μ * (1 - c^2)) by (apply Rmult_le_pos; nra).
      destruct (S false), (S true); simpl; intro; try discriminate; nra.
    + unfold on. extensionality p. now destruct p.
  - unfold dot, all, filters2, sub. simpl. nra.
Qed.
