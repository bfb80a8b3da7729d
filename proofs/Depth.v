(* The chapter "Depth": layers j = 0, 1, 2, ..., each with its filters, windows and switches. *)
Require Import Layer Reconstruction Lia.

Section Depth.
Variables Coord Place : nat -> Type.
Context `{forall j, Finite (Coord j)} `{forall j, Finite (Place j)}.
Hypothesis eq_coord : forall j (u v : Coord j), {u = v} + {u <> v}.
(* Every place and every coordinate is listed once. *)
Hypothesis once : forall j, NoDup (all : list (Place j)) /\ NoDup (all : list (Coord j)).
Hypothesis complete : (forall j (p : Place j), In p all) /\ (forall j (v : Coord j), In v all).

Variable w : forall j, Place j -> Coord j -> R.
(* The window of a place is a coordinate of the next input; T j are the switches: one in a window.
   *)
Variable window : forall j, Place j -> Coord (S j).
Variable T : forall j, Place j -> bool.
Hypothesis one_switch :
  forall j p p', T j p = true -> T j p' = true -> window j p = window j p' -> p = p'.

Notation signal j := (Coord j -> R).
Notation W j := (W (w j)).
Notation Wᵀ j := (Wᵀ (w j)).
(* Pooling gathers the kept values; unpooling writes them to the switches. *)
Definition pool j (h : Place j -> R) : signal (S j) :=
  fun v => ∑ p, if T j p then (if eq_coord (S j) (window j p) v then h p else 0) else 0.
Definition unpool j (a : signal (S j)) : Place j -> R :=
  fun p => if T j p then a (window j p) else 0.
Definition up j (x : signal j) : signal (S j) := pool j (W j x).
Definition down j (y : signal (S j)) : signal j := Wᵀ j (unpool j y).

(* x_j and x̂_j, for a network of L layers. *)
Variable L : nat.
Variables x xh : forall j, signal j.
Hypothesis way_up : forall j, x (S j) = up j (x j).
Hypothesis last : xh L = x L.
Hypothesis way_down : forall j, (j < L)%nat -> xh j = down j (xh (S j)).

(* Proposition "One matrix up, its transpose down" (a): unpooling the pooled values is the code,
   and unpooling never lengthens. *)
Definition Unpooling :=
  forall j, (forall h, unpool j (pool j h) = h ↾ T j) /\
            (forall h, ‖pool j h‖² = ‖h ↾ T j‖²) /\
            (forall a, ‖unpool j a‖² <= ‖a‖²).

(* Proposition "One matrix up, its transpose down" (c): the error, from what the decoder knows. *)
Definition Deep_identity :=
  ⟨xh 0%nat, x 0%nat⟩ = ‖x L‖² /\
  ‖xh 0%nat ⊖ x 0%nat‖² = ‖x 0%nat‖² - 2 * ‖x L‖² + ‖xh 0%nat‖².

(* Theorem "The error recursion": c j is the error of layer j alone,
  sqrt (1 + d j) bounds Wᵀ on its
   switches. *)
Definition Depth_recursion :=
  forall c d : nat -> R,
  (forall j, 0 <= c j /\ 0 < 1 + d j) ->
  (forall j, (j < L)%nat -> ‖Wᵀ j (W j (x j) ↾ T j) ⊖ x j‖ <= c j * ‖x j‖) ->
  (forall j z, (j < L)%nat -> off (T j) z -> ‖Wᵀ j z‖² <= (1 + d j) * ‖z‖²) ->
  (forall j, (j < L)%nat -> ‖xh j ⊖ x j‖ <= c j * ‖x j‖ + sqrt (1 + d j) * ‖xh (S j) ⊖ x (S j)‖)
    /\
  let fix bound n j := match n with O => 0 | S n => c j + (1 + d j) * bound n (S j) end in
  ‖xh 0%nat ⊖ x 0%nat‖ <= bound L 0%nat * ‖x 0%nat‖.

(* Theorem "Depth, with the best gain": in layer j the kept energy is at least a j |x_j|², and Wᵀ
   on the switches has the squared norm b j at most. *)
Definition Depth_gain :=
  forall a b : nat -> R,
  (forall j, 0 < a j /\ 0 < b j) ->
  (forall j, (j < L)%nat -> a j * ‖x j‖² <= ‖W j (x j) ↾ T j‖²) ->
  (forall j z, (j < L)%nat -> off (T j) z -> ‖Wᵀ j z‖² <= b j * ‖z‖²) ->
  0 < ‖x 0%nat‖² ->
  let fix ratio n j := match n with O => 1 | S n => a j / b j * ratio n (S j) end in
  exists g, ‖g ⊙ xh 0%nat ⊖ x 0%nat‖² <= (1 - ratio L 0%nat) * ‖x 0%nat‖².

(* Theorem "Depth, with the best gain", the usable form of a j: one support S that catches no more
   energy than the switches and on which Wᵀ is bounded below by 1 - δ, and one code z on S at the
   distance η |x_j|. *)
Definition Kept_energy_in_layer :=
  forall j δ η z S, δ < 1 ->
  (forall y, off S y -> (1 - δ) * ‖y‖² <= ‖Wᵀ j y‖²) -> off S z ->
  ‖W j (x j) ↾ S‖² <= ‖W j (x j) ↾ T j‖² -> ‖x j ⊖ Wᵀ j z‖² <= η^2 * ‖x j‖² ->
  (1 - δ) * (1 - η^2) * ‖x j‖² <= ‖W j (x j) ↾ T j‖².

(* Proofs. *)

Lemma sum_single {A} (l : list A) f p : NoDup l -> In p l -> (forall q, q <> p -> f q = 0) ->
  sum l f = f p.
Proof.
  intros N I Z. induction N as [| a l A1 N IH]; simpl; [easy |]. destruct I as [-> | I].
  - replace (sum l f) with 0; [ring |]. symmetry. clear IH N.
    induction l as [| b l IH]; simpl; auto.
    rewrite Z by (intros ->; apply A1; now left). rewrite IH; [ring |]. intro. apply A1.
    now right.
  - rewrite IH by auto. rewrite Z; [ring |]. now intros ->.
Qed.
Lemma pool_adjoint j h a : ⟨pool j h, a⟩ = ⟨h, unpool j a⟩.
Proof.
  unfold dot, pool, unpool. transitivity (∑ v, ∑ p, a v *
    (if T j p then (if eq_coord (S j) (window j p) v then h p else 0) else 0)).
  - apply sum_ext; intro v. rewrite sum_scale. ring.
  - rewrite sum_swap. apply sum_ext; intro p. destruct (T j p).
    + rewrite (sum_single _ _ (window j p)); [| apply once | apply complete |].
      * destruct (eq_coord _ _ _); [ring | easy].
      * intros v N. destruct (eq_coord _ _ _); [congruence | ring].
    + transitivity (sum (A := Coord (S j)) all (fun _ => 0)).
      * apply sum_ext; intro; ring.
      * rewrite sum_zero. ring.
Qed.
Lemma unpool_pool j h : unpool j (pool j h) = h ↾ T j.
Proof.
  extensionality p. unfold unpool, pool, on. destruct (T j p) eqn:E; auto.
  rewrite (sum_single _ _ p); [| apply once | apply complete |].
  - rewrite E. now destruct (eq_coord _ _ _).
  - intros p' N. destruct (T j p') eqn:E'; auto. destruct (eq_coord _ _ _); auto.
    exfalso. apply N. now apply (one_switch j).
Qed.
Lemma pool_norm j h : ‖pool j h‖² = ‖h ↾ T j‖².
Proof. rewrite pool_adjoint, unpool_pool, dot_on, on_on. reflexivity. Qed.
Lemma unpool_off j a : off (T j) (unpool j a).
Proof. unfold off, on, unpool. extensionality p. now destruct (T j p). Qed.
Lemma unpool_norm j a : ‖unpool j a‖² <= ‖a‖².
Proof.
  assert (E : ‖unpool j a‖² = ⟨pool j (unpool j a), a⟩) by now rewrite pool_adjoint.
  assert (N : ‖pool j (unpool j a)‖² = ‖unpool j a‖²).
  { rewrite pool_norm. pose proof (unpool_off j a) as O. unfold off in O. now rewrite O. }
  pose proof (pos (pool j (unpool j a) ⊖ a)) as P. expand.
  rewrite (dot_sym a), N, <- E in P. lra.
Qed.
Theorem unpooling : Unpooling.
Proof. intro j.
split; [| split]; intros; [apply unpool_pool | apply pool_norm | apply unpool_norm]. Qed.

Lemma up_adjoint j f g : ⟨up j f, g⟩ = ⟨f, down j g⟩.
Proof. unfold up, down. now rewrite pool_adjoint, (dot_sym f), adjoint, dot_sym. Qed.
Lemma down_code j : down j (x (S j)) = Wᵀ j (W j (x j) ↾ T j).
Proof. rewrite way_up. unfold down, up. now rewrite unpool_pool. Qed.
Theorem deep_identity : Deep_identity.
Proof.
  assert (E : ⟨xh 0%nat, x 0%nat⟩ = ‖x L‖²).
  { enough (forall n j, (n + j = L)%nat -> ⟨xh j, x j⟩ = ‖x L‖²) as K by (apply (K L); auto).
    induction n as [| n IH]; intros j El; simpl in El.
    - subst j. now rewrite last.
    - rewrite (way_down j), dot_sym, <- up_adjoint, <- way_up, dot_sym by lia. apply IH. lia. }
  split; auto. expand. rewrite (dot_sym (x 0%nat) (xh 0%nat)), E. ring.
Qed.

Theorem depth_recursion : Depth_recursion.
Proof.
  intros c d Pos Alone Norm.
  assert (Sd : forall j, 0 <= sqrt (1 + d j) /\ sqrt (1 + d j) * sqrt (1 + d j) = 1 + d j).
  { intro j. split; [apply sqrt_pos | apply sqrt_sqrt, Rlt_le, Pos]. }
  assert (Step : forall j, (j < L)%nat ->
    ‖xh j ⊖ x j‖ <= c j * ‖x j‖ + sqrt (1 + d j) * ‖xh (S j) ⊖ x (S j)‖).
  { intros j Hj. replace (xh j ⊖ x j)
      with ((Wᵀ j (W j (x j) ↾ T j) ⊖ x j) ⊕ Wᵀ j (unpool j (xh (S j) ⊖ x (S j)))).
    - eapply Rle_trans; [apply triangle |]. apply Rplus_le_compat; auto.
      apply norm_le_norm; [apply Sd |]. eapply Rle_trans; [apply Norm; auto using unpool_off |].
      rewrite <- Rsqr_pow2, (Rsqr_sqrt (1 + d j) (Rlt_le _ _ (proj2 (Pos j)))).
      apply Rmult_le_compat_l; [apply Rlt_le, (Pos j) | apply unpool_norm].
    - rewrite (way_down j Hj), <- down_code. unfold down.
      replace (unpool j (xh (S j) ⊖ x (S j))) with (unpool j (xh (S j)) ⊖ unpool j (x (S j))).
      + rewrite Wᵀ_sub. places. ring.
      + extensionality p. unfold unpool, sub. destruct (T j p); ring. }
  split; auto. intro bound.
  assert (Up : forall j, (j < L)%nat -> ‖x (S j)‖ <= sqrt (1 + d j) * ‖x j‖).
  { intros j Hj. apply norm_le_norm; [apply Sd |]. rewrite way_up. unfold up. rewrite pool_norm.
    rewrite <- Rsqr_pow2, (Rsqr_sqrt (1 + d j) (Rlt_le _ _ (proj2 (Pos j)))).
    set (v := W j (x j) ↾ T j). assert (O : off (T j) v) by apply off_on.
    assert (E : ‖v‖² = ⟨Wᵀ j v, x j⟩) by exact (adj (w j) v (x j) (T j) O).
    pose proof (Norm j v Hj O) as N. destruct (Pos j) as [_ P].
    pose proof (pos ((1 + d j) ⊙ x j ⊖ Wᵀ j v)) as Q. expand.
    rewrite (dot_sym (x j) (Wᵀ j v)), <- E in Q. pose proof (pos v). pose proof (pos (x j)).
    apply (Rmult_le_reg_l (1 + d j)); lra. }
  assert (B0 : forall n j, 0 <= bound n j).
  { induction n as [| n IH]; intro j; simpl; [lra |]. specialize (IH (S j)). destruct (Pos j).
    nra. }
  enough (K : forall n j, (n + j = L)%nat -> ‖xh j ⊖ x j‖ <= bound n j * ‖x j‖) by (apply K; lia).
  induction n as [| n IH]; intros j El; simpl in El.
  - subst j. rewrite last. assert (Z : ‖x L ⊖ x L‖² = 0) by (expand; ring).
    rewrite Z, sqrt_0. simpl. lra.
  - simpl. pose proof (Step j ltac:(lia)) as A. pose proof (Up j ltac:(lia)) as U.
    pose proof (IH (S j) ltac:(lia)) as I. destruct (Sd j) as [S0 S1]. pose proof (B0 n (S j)).
    rewrite <- S1. set (s := sqrt (1 + d j)) in *. set (B := bound n (S j)) in *.
    assert (B * ‖x (S j)‖ <= B * (s * ‖x j‖)) by (apply Rmult_le_compat_l; auto).
    assert (s * ‖xh (S j) ⊖ x (S j)‖ <= s * (B * (s * ‖x j‖))) by (apply Rmult_le_compat_l; lra).
    lra.
Qed.

Theorem depth_gain : Depth_gain.
Proof.
  intros a b Pos Low High X0 ratio.
  assert (R0 : forall n j, 0 < ratio n j).
  { induction n as [| n IH]; intro j; simpl; [lra |]. destruct (Pos j). specialize (IH (S j)).
    apply Rmult_lt_0_compat; auto. now apply Rdiv_lt_0_compat. }
  (* |x_L|² |x_L|² is at least ratio |x̂_j|² |x_j|² *)
  assert (K : forall n j, (n + j = L)%nat -> 0 <= ‖x j‖² ->
    ratio n j * (‖xh j‖² * ‖x j‖²) <= ‖x L‖² * ‖x L‖²).
  { induction n as [| n IH]; intros j El Xj; simpl in El.
    - subst j. rewrite last. simpl. lra.
    - simpl. specialize (IH (S j) ltac:(lia) (pos _)). destruct (Pos j) as [A0 Bp].
      assert (Hx : a j * ‖x j‖² <= ‖x (S j)‖²).
      { rewrite (way_up j). unfold up. rewrite pool_norm. apply Low. lia. }
      assert (Hy : ‖xh j‖² <= b j * ‖xh (S j)‖²).
      { rewrite (way_down j) by lia. unfold down.
        eapply Rle_trans; [apply High; auto using unpool_off; lia |].
        apply Rmult_le_compat_l; [lra | apply unpool_norm]. }
      eapply Rle_trans; [| exact IH]. specialize (R0 n (S j)).
      pose proof (pos (xh j)). pose proof (pos (xh (S j))). pose proof (pos (x (S j))).
      apply Rle_trans with (ratio n (S j) / b j * (‖xh j‖² * (a j * ‖x j‖²))); [right; field;
        lra |].
      apply Rle_trans with (ratio n (S j) / b j * (b j * ‖xh (S j)‖² * ‖x (S j)‖²)).
      + apply Rmult_le_compat_l; [left; now apply Rdiv_lt_0_compat |].
        apply Rmult_le_compat; auto. apply Rmult_le_pos; lra.
      + right. field. lra. }
  specialize (K L 0%nat ltac:(lia) ltac:(lra)). destruct deep_identity as [E _].
  specialize (R0 L 0%nat). pose proof (pos (xh 0%nat)) as Xh.
  destruct (Req_dec (‖xh 0%nat‖²) 0) as [Z | Z].
  - (* then x_L = 0, which the lower bounds exclude *)
    exfalso. assert (forall n j, (n + j = L)%nat -> 0 < ‖x j‖² -> 0 < ‖x L‖²) as N.
    { induction n as [| n IH]; intros j El Xj; simpl in El; [now subst j |].
      apply (IH (S j)); [lia |]. rewrite (way_up j). unfold up. rewrite pool_norm.
      specialize (Low j ltac:(lia)). destruct (Pos j). nra. }
    specialize (N L 0%nat ltac:(lia) X0). rewrite <- E in N.
    pose proof (cauchy_schwarz (xh 0%nat) (x 0%nat)) as C. rewrite Z, sqrt_0 in C. lra.
  - exists (‖x L‖² / ‖xh 0%nat‖²). expand. rewrite (dot_sym (x 0%nat) (xh 0%nat)), E.
    apply (Rmult_le_reg_l (‖xh 0%nat‖²)); [lra |].
    set (X := ‖x 0%nat‖²) in *. set (Y := ‖xh 0%nat‖²) in *. set (Q := ‖x L‖²) in *.
    replace (Y * _) with (Y * X - Q * Q) by (field; auto). lra.
Qed.
Theorem kept_energy_in_layer : Kept_energy_in_layer.
Proof.
  intros j δ η z S D Low Z B N.
  pose proof (kept_energy (w j) (1 - δ) (x j) z S (T j) ltac:(lra) Low Z B) as K.
  assert ((1 - δ) * ‖x j ⊖ Wᵀ j z‖² <= (1 - δ) * (η^2 * ‖x j‖²)) by (apply Rmult_le_compat_l;
    lra).
  lra.
Qed.
End Depth.
