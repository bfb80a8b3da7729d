(* The chapters "Max pooling" and "There and back, with a guarantee": filter pairs, and windows.
   *)
Require Import Layer Pooling Lia.

Section Pairs.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variables (w : Place -> Coord -> R) (model : (Place -> bool) -> Prop).
(* The bank [W; -W]: each place with a sign. *)
#[local] Instance signed : Finite (bool * Place) :=
  map (pair true) (all : list Place) ++ map (pair false) (all : list Place).
Definition pair_filters (a : bool * Place) : Coord ->
  R := if fst a then w (snd a) else (-1) ⊙ w (snd a).
Notation W := (W w).
Notation Wᵀ := (Wᵀ w).
Notation V := (Layer.W pair_filters).
Notation Vᵀ := (Layer.Wᵀ pair_filters).
(* A pair counts as one place: a support of pairs is one of W when the signs are forgotten. (It may
   hold both signs of a place. That catches no more: one of the two rectified responses is 0.) *)
Definition fold (T : bool * Place -> bool) p := T (true, p) || T (false, p).
Definition pair_model T := model (fold T).

(* Proposition "Filter pairs" (a): the rectified responses of the pairs lose nothing. *)
Definition Pairs_lose_nothing :=
  forall x, Vᵀ (relu (V x)) = Wᵀ (W x).

(* Proposition "Filter pairs" (b), and "ReLU, pairs, windows" (b): pairs pooled together with ReLU
   give what W gives with pooling by magnitude. *)
Definition Pairs_together :=
  forall x T, relu_pools pair_model (V x) T ->
  pools model (W x) (fold T) /\ Vᵀ (V x ↾ T) = Wᵀ (W x ↾ fold T).

(* Proofs. *)

Lemma sum_app {A} (a b : list A) f : sum (a ++ b) f = sum a f + sum b f.
Proof. induction a as [| x a IH]; simpl; [| rewrite IH]; lra. Qed.
Lemma sum_map {A B} (h : A -> B) (l : list A) f : sum (map h l) f = sum l (fun a => f (h a)).
Proof. induction l; simpl; congruence. Qed.
Lemma sum_signed (f : bool * Place -> R) :
  sum (A := bool * Place) all f = ∑ p, (f (true, p) + f (false, p)).
Proof. unfold all at 1, signed. rewrite sum_app, !sum_map, <- sum_add. reflexivity. Qed.
Lemma V_true x p : V x (true, p) = W x p. Proof. reflexivity. Qed.
Lemma V_false x p : V x (false, p) = - W x p.
Proof.
  unfold Layer.W, pair_filters, dot, scale. simpl.
  transitivity (-1 * ∑ c, w p c * x c); [rewrite <- sum_scale; apply sum_ext; intro; ring | ring].
Qed.
Lemma V_synthesis (y : bool * Place -> R) : Vᵀ y = Wᵀ (fun p => y (true, p) - y (false, p)).
Proof.
  extensionality c. unfold Layer.Wᵀ. rewrite sum_signed. apply sum_ext; intro p.
  unfold pair_filters, scale. simpl. ring.
Qed.
Theorem pairs_lose_nothing : Pairs_lose_nothing.
Proof.
  intro x. rewrite V_synthesis. f_equal. extensionality p. unfold relu. rewrite V_true, V_false.
  destruct (Rmax_cases (W x p)) as [[L ->] | [L ->]],
    (Rmax_cases (- W x p)) as [[M ->] | [M ->]]; lra.
Qed.
Theorem pairs_together : Pairs_together.
Proof.
  intros x T [[HT B] P]. split; [split; [exact HT |] |].
  - intros S HS. set (h := W x) in *.
    set (S' := fun a : bool * Place => S (snd a) && (if Rle_dec 0 (h (snd a)) then fst a else
      negb (fst a))).
    assert (F : fold S' = S).
    { extensionality p. unfold fold, S'. simpl. destruct (S p); simpl; auto.
      destruct (Rle_dec 0 (h p)); auto. }
    assert (HS' : pair_model S') by (unfold pair_model; now rewrite F).
    specialize (B S' HS'). eapply Rle_trans; [| eapply Rle_trans; [exact B |]];
      unfold dot at 1; try unfold dot at 1; rewrite !sum_signed; apply sum_le; intro p;
      unfold on, relu; rewrite V_true, V_false; fold h.
    + unfold S'. simpl. destruct (S p); simpl; [| lra].
      destruct (Rle_dec 0 (h p)); simpl; [rewrite Rmax_left | rewrite (Rmax_left (- h p))]; lra.
    + pose proof (P (true, p)) as P1. pose proof (P (false, p)) as P2.
      rewrite V_true in P1. rewrite V_false in P2. fold h in P1, P2. unfold fold.
      destruct (T (true, p)), (T (false, p)); simpl; try specialize (P1 eq_refl);
        try specialize (P2 eq_refl); try lra; rewrite Rmax_left; lra.
  - rewrite V_synthesis. f_equal. extensionality p. unfold on, fold.
    pose proof (P (true, p)) as P1. pose proof (P (false, p)) as P2.
    rewrite V_true in *. rewrite V_false in *.
    destruct (T (true, p)), (T (false, p)); simpl; try specialize (P1 eq_refl);
      try specialize (P2 eq_refl); lra.
Qed.
End Pairs.

Section Windows.
Context {Place Coord : Type} `{Finite Coord}.
(* Each block is a list of windows. *)
Variable windows : list (list (list Place)).
Notation blocks := (map (@concat Place) windows).
#[local] Instance listed : Finite Place := concat blocks.
Hypothesis eq_dec : forall p q : Place, {p = q} + {p <> q}.
Hypothesis once : NoDup (concat blocks).
Hypothesis complete : forall p, In p (concat blocks).
Variable w : Place -> Coord -> R.
(* N: at most one place in a window, at most g k in all. *)
Definition N g k (T : Place -> bool) :=
  (forall b, In b windows -> forall v, In v b -> count T v <= 1)%nat /\
  (count T (concat blocks) <= g * k)%nat.

(* Theorem "ReLU, pairs, windows" (d): with at most g windows in a block, δ(N^s) is at most
   δ(M_k^(s g)). All bounds above hold for N in place of M_k: they hold for every model. *)
Definition Windows_rip :=
  forall g k s δ, (forall b, In b windows -> length b <= g)%nat ->
  RIP w (M_k blocks k) (s * g) δ -> RIP w (N g k) s δ.

(* Proofs. *)

Lemma M_plus (model : (Place -> bool) -> Prop) s t : forall a b,
  M model s a -> M model t b -> M model (s + t) (a ⊕ b).
Proof.
  induction s as [| s IH]; simpl; intros a b A B.
  - subst a. replace ((fun _ => 0) ⊕ b) with b; auto. extensionality p. unfold add. ring.
  - destruct A as (S & c & d & HS & C & D & ->). exists S, c, (d ⊕ b). repeat split; auto.
    extensionality p. unfold add. ring.
Qed.
Lemma count_windows T (b : list (list Place)) : (forall v, In v b -> count T v <= 1)%nat ->
  (count T (concat b) <= length b)%nat.
Proof.
  induction b as [| v b IH]; simpl; intro C; auto. rewrite count_app.
  pose proof (C v (or_introl eq_refl)). specialize (IH (fun u I => C u (or_intror I))). lia.
Qed.
Theorem windows_rip : Windows_rip.
Proof.
  intros g k s δ G R z Z. apply R. clear R δ. revert z Z.
  induction s as [| s IH]; simpl; intros z Z; auto.
  destruct Z as (S & a & b & [S1 S2] & A & B & ->). apply M_plus; auto.
  apply (sums blocks eq_dec once complete). exists S. split; auto. split.
  - intros c Hc. apply in_map_iff in Hc. destruct Hc as (v & <- & Hv).
    pose proof (count_windows S v (S1 v Hv)). specialize (G v Hv). lia.
  - exact S2.
Qed.
End Windows.
