(* The two rules of branch and bound (cnninv_lite/_branch.py). No eigenvector, no inverse matrix.
   X is given by its entries; "an eigenvalue of at least t" is a v with <v, X v> >= t |v|². *)
Require Import Sums.

Definition mul {A} `{Finite A} (X : A -> A -> R) (v : A -> R) : A -> R :=
  fun p => ∑ q, X p q * v q.
Notation form X f g := ⟨f, mul X g⟩.
Lemma mul_add {A} `{Finite A} (X : A -> A -> R) f g : mul X (f ⊕ g) = mul X f ⊕ mul X g.
Proof. extensionality p. unfold mul, add. rewrite <- sum_add. apply sum_ext; intro; ring. Qed.
Lemma mul_scale {A} `{Finite A} (X : A -> A -> R) t f : mul X (t ⊙ f) = t ⊙ mul X f.
Proof. extensionality p. unfold mul, scale. rewrite <- sum_scale. apply sum_ext; intro; ring. Qed.
Lemma form_sym {A} `{Finite A} (X : A -> A -> R) : (forall p q, X p q = X q p) -> forall f g,
  form X f g = form X g f.
Proof.
  intros S f g. unfold dot, mul. transitivity (∑ p, ∑ q, f p * (X p q * g q)).
  - apply sum_ext; intro. now rewrite sum_scale.
  - rewrite sum_swap. apply sum_ext; intro q. rewrite <- sum_scale. apply sum_ext; intro p.
    rewrite (S p q). ring.
Qed.

(* The completion rule. The places fall in two parts, P (the partial support) and C (its
   completion): X is built from XP, XC and B. *)
Section Completion.
Context {P C : Type} `{Finite P} `{Finite C}.
Variables (XP : P -> P -> R) (XC : C -> C -> R) (B : C -> P -> R).
(* y c solves (I - X_P) y_c = b_c, and q c = <b_c, y_c> = b_c' (I - X_P)^-1 b_c. *)
Variable y : C -> P -> R.
Hypothesis solves : forall c, y c ⊖ mul XP (y c) = B c.
Definition q c := ⟨B c, y c⟩.
Hypothesis sym : forall p p', XP p p' = XP p' p.
Hypothesis below : forall f, form XP f f <= ‖f‖². (* no eigenvalue of X_P exceeds 1 *)

Definition combine (r : C -> R) (v : C -> P -> R) : P -> R := fun p => ∑ c, r c * v c p.

(* The completion rule: if no completion has an eigenvalue above u, and u + sum of the q_c is at
   most 1, then X has no eigenvalue above 1. *)
Definition Completion :=
  forall u, (forall r, form XC r r <= u * ‖r‖²) -> u + (∑ c, q c) <= 1 ->
  forall (f : P -> R) (r : C -> R),
  form XP f f + 2 * ⟨f, combine r B⟩ + form XC r r <= ‖f‖² + ‖r‖².

(* Proofs. *)

Let Q f g := ⟨f, g⟩ - form XP f g.
Lemma Q_pos f : 0 <= Q f f. Proof. unfold Q. specialize (below f). lra. Qed.
Lemma Q_sym f g : Q f g = Q g f. Proof. unfold Q. rewrite (dot_sym f g), (form_sym XP sym). ring.
Qed.
Lemma Q_add f g : Q (f ⊕ g) (f ⊕ g) = Q f f + 2 * Q f g + Q g g.
Proof. pose proof (Q_sym f g) as S. unfold Q in *. rewrite mul_add. expand. lra. Qed.
Lemma Q_scale s f g : Q f (s ⊙ g) = s * Q f g.
Proof. unfold Q. rewrite mul_scale. expand. ring. Qed.
Lemma Q_scale2 s f : Q (s ⊙ f) (s ⊙ f) = s^2 * Q f f.
Proof. rewrite Q_scale, Q_sym, Q_scale. ring. Qed.

(* The norm of a positive semi-definite matrix is at most its trace. *)
Lemma trace_bound (l : list C) (r : C -> R) :
  let v := fun p => sum l (fun c => r c * y c p) in
  Q v v <= sum l (fun c => (r c)^2) * sum l q.
Proof.
  assert (q0 : forall c, q c = Q (y c) (y c)).
  { intro c. unfold q, Q. rewrite <- (solves c). expand. now rewrite (dot_sym (mul XP (y c))). }
  assert (qp : forall c, 0 <= q c) by (intro; rewrite q0; apply Q_pos).
  induction l as [| c l IH]; intro v.
  - subst v.
    replace (fun p => sum [] (fun c => r c * y c p)) with (0 ⊙ (fun _ : P => 0))
      by (extensionality p; unfold scale; simpl; ring).
    rewrite Q_scale2. simpl. lra.
  - set (u := fun p => sum l (fun c => r c * y c p)) in *.
    replace v with (r c ⊙ y c ⊕ u) by reflexivity.
    change (Q (r c ⊙ y c ⊕ u) (r c ⊙ y c ⊕ u) <= ((r c)^2 + sum l (fun c => (r c)^2)) * (q c +
      sum l q)).
    set (a := sum l (fun c => (r c)^2)) in *. set (t := sum l q) in *.
    assert (0 <= a) by (unfold a; rewrite <- (sum_zero l); apply sum_le; intro; apply pow2_ge_0).
    assert (0 <= t) by (unfold t; rewrite <- (sum_zero l); apply sum_le; auto).
    rewrite Q_add, Q_scale2, <- q0. set (b := Q (r c ⊙ y c) u).
    assert (K : b * b <= (r c)^2 * q c * (a * t)).
    { assert (CS : b * b <= Q (r c ⊙ y c) (r c ⊙ y c) * Q u u).
      { unfold b. set (f := r c ⊙ y c). pose proof (Q_pos f). pose proof (Q_pos u).
        assert (D : forall s, 0 <= Q f f + 2 * s * Q f u + s^2 * Q u u).
        { intro s. pose proof (Q_pos (f ⊕ s ⊙ u)) as D. rewrite Q_add, Q_scale, Q_scale2 in D.
          lra. }
        destruct (Req_dec (Q u u) 0) as [Z | Z].
        - rewrite Z in *. destruct (Req_dec (Q f u) 0) as [Y | Y]; [rewrite Y; lra |].
          specialize (D (- (Q f f + 1) / (2 * Q f u))).
          replace (2 * (- (Q f f + 1) / (2 * Q f u)) * Q f u) with (- (Q f f + 1)) in D
            by (field; auto). lra.
        - specialize (D (- Q f u / Q u u)). apply (Rmult_le_compat_l (Q u u)) in D; [| lra].
          replace (Q u u * (Q f f + 2 * (- Q f u / Q u u) * Q f u + (- Q f u / Q u u)^2 * Q u u))
            with (Q f f * Q u u - Q f u * Q f u) in D by (field; auto). lra. }
      rewrite Q_scale2, <- q0 in CS. eapply Rle_trans; [exact CS |].
      apply Rmult_le_compat_l; [apply Rmult_le_pos; [apply pow2_ge_0 | apply qp] | exact IH]. }
    (* 2 b <= r^2 t + a q *)
    assert (2 * b <= (r c)^2 * t + a * q c).
    { pose proof (qp c). set (m := (r c)^2 * t) in *. set (n := a * q c) in *.
      assert (0 <= m) by (apply Rmult_le_pos; auto; apply pow2_ge_0).
      assert (0 <= n) by (apply Rmult_le_pos; auto).
      assert (b * b <= m * n) by (unfold m, n; lra). clearbody m n. clear - H4 H5 H6.
      pose proof (pow2_ge_0 (m - n)).
      destruct (Rle_dec (2 * b) (m + n)); auto. exfalso. nra. }
    change (Q u u <= a * t) in IH. lra.
Qed.

(* If no completion by these columns has an eigenvalue above u, and u + sum q_c <= 1, then X has
   none above 1. *)
Theorem completion : Completion.
Proof.
  intros u U L f r. set (v := combine r y).
  assert (E : combine r B = v ⊖ mul XP v).
  { extensionality p. unfold combine, v, sub, mul, combine. rewrite <- (Rmult_1_l (∑ q0, _)) at 1.
    transitivity (∑ c, r c * (y c p - ∑ p', XP p p' * y c p')).
    - rewrite Rmult_1_l. apply sum_ext; intro c. now rewrite <- (solves c).
    - replace (∑ p', XP p p' * (∑ c, r c * y c p')) with (∑ c, r c * (∑ p', XP p p' * y c p')).
      + rewrite <- (Rmult_1_l (∑ c, r c * (∑ p', _))). unfold Rminus.
        rewrite Ropp_mult_distr_l, <- sum_scale, <- sum_add. apply sum_ext; intro; ring.
      + transitivity (∑ c, ∑ p', XP p p' * (r c * y c p')).
        * apply sum_ext; intro c. rewrite <- sum_scale. apply sum_ext; intro; ring.
        * rewrite sum_swap. apply sum_ext; intro p'. now rewrite sum_scale. }
  rewrite E. replace ⟨f, v ⊖ mul XP v⟩ with (Q f v) by (unfold Q; expand; ring).
  pose proof (trace_bound all r) as T. change (Q v v <= (∑ c, (r c)^2) * (∑ c, q c)) in T.
  replace (∑ c, (r c)^2) with (‖r‖²) in T by (apply sum_ext; intro; ring).
  pose proof (Q_pos (f ⊕ (-1) ⊙ v)) as D. rewrite Q_add, Q_scale, Q_scale2 in D. specialize (U r).
  pose proof (pos r). assert (QF : Q f f = ‖f‖² - form XP f f) by reflexivity. nra.
Qed.
End Completion.

(* The chain lemma. Proof: leave each place out in turn and take the mean. *)
Section Chain.
Context {P : Type} `{Finite P}.
Hypothesis eq_dec : forall p q : P, {p = q} + {p <> q}.
Hypothesis once : NoDup all.
Variable X : P -> P -> R.
Hypothesis sym : forall p q, X p q = X q p.
Hypothesis diagonal : forall p, X p p = 0.
Definition basis j p := if eq_dec p j then 1 else 0.
Definition leave_out j (v : P -> R) := v ⊖ v j ⊙ basis j.
Let N := INR (length (all : list P)).                     (* the number of places *)

(* Lemma "Chains": with N places and an eigenvalue λ, some place can be left out so that the rest
   still has an eigenvalue of at least λ (N - 2) / (N - 1). *)
Definition Chain :=
  forall v lam, 2 <= N -> 0 < lam -> 0 < ‖v‖² -> lam * ‖v‖² <= form X v v ->
  exists j, In j all /\ 0 < ‖leave_out j v‖² /\
    lam * ((N - 2) / (N - 1)) * ‖leave_out j v‖² <= form X (leave_out j v) (leave_out j v).

(* Proofs. *)

Lemma sum_basis (l : list P) j f : NoDup l -> In j l -> sum l (fun p => basis j p * f p) = f j.
Proof.
  intro D. unfold basis. induction D as [| a l A D IH]; intros []; simpl.
  - subst a. destruct (eq_dec j j); [| easy]. replace (sum l _) with 0; [ring |]. clear - A.
    induction l as [| b l IH]; simpl; auto.
    destruct (eq_dec b j); [subst; exfalso; apply A; now left |].
    rewrite <- IH; [ring | intro; apply A; now right].
  - rewrite IH by auto. destruct (eq_dec a j); [now subst | ring].
Qed.
Lemma basis_l j f : In j all -> ⟨basis j, f⟩ = f j.
Proof. intro. now apply sum_basis. Qed.
Lemma sum_const (l : list P) c : sum l (fun _ => c) = INR (length l) * c.
Proof. induction l; simpl length; rewrite ?S_INR; simpl; lra. Qed.
Lemma some_term (l : list P) f : l <> [] -> 0 <= sum l f -> exists p, In p l /\ 0 <= f p.
Proof.
  induction l as [| a l IH]; [easy |]. intros _ S. simpl in S.
  destruct (Rle_dec 0 (f a)); [exists a; simpl; auto |].
  destruct l as [| b l]; [simpl in S; lra |]. destruct IH as (p & I & F); [easy | lra |].
  exists p. split; [now right | auto].
Qed.
Lemma sum_in (l : list P) f g : (forall p, In p l -> f p = g p) -> sum l f = sum l g.
Proof. induction l; simpl; intro E; auto. rewrite IHl, (E a); auto. Qed.

Lemma form_out j v : In j all -> form X (leave_out j v) (leave_out j v) = form X v v - 2 * (v j *
  mul X v j).
Proof.
  intro I. unfold leave_out.
  replace (v ⊖ v j ⊙ basis j) with (v ⊕ (- v j) ⊙ basis j) by (extensionality p;
    unfold sub, add, scale; ring).
  rewrite mul_add, mul_scale. expand. rewrite (form_sym X sym v (basis j)), !basis_l by auto.
  replace (mul X (basis j) j) with 0; [ring |]. unfold mul. rewrite <- (diagonal j) at 1.
  symmetry.
  rewrite <- (basis_l j (X j) I). apply sum_ext; intro; ring.
Qed.
Lemma norm_out j v : In j all -> ‖leave_out j v‖² = ‖v‖² - v j * v j.
Proof.
  intro I. unfold leave_out. expand. rewrite (dot_sym v (basis j)), !basis_l by auto.
  unfold basis at 1. destruct (eq_dec j j); [ring | easy].
Qed.
Theorem chain : Chain.
Proof.
  intros v lam HN Hl Hv L.
  set (F := fun j => (N - 1) * form X (leave_out j v) (leave_out j v) - lam * (N - 2) *
    ‖leave_out j v‖²).
  assert (S : (∑ j, F j) = (N - 1) * ((N - 2) * form X v v) - lam * (N - 2) * ((N - 1) * ‖v‖²)).
  { transitivity (∑ j, (((N - 1) * form X v v - lam * (N - 2) * ‖v‖²) + ((- 2 * (N - 1)) * (v j *
      mul X v j) + (lam * (N - 2)) * (v j * v j)))).
    - apply sum_in. intros j I. unfold F. rewrite form_out, norm_out by auto. ring.
    - rewrite !sum_add, !sum_scale, sum_const. fold N. fold (dot v v) (dot v (mul X v)). ring. }
  destruct (some_term all F) as (j & I & Fj).
  - intro E. unfold N in HN. rewrite E in HN. simpl in HN. lra.
  - change (0 <= ∑ j, F j). rewrite S.
    assert (0 <= (N - 1) * (N - 2)) by (apply Rmult_le_pos; lra).
    apply (Rmult_le_compat_l ((N - 1) * (N - 2))) in L; lra.
  - exists j. split; auto. split.
    + destruct (Rle_lt_or_eq_dec _ _ (pos (leave_out j v))) as [| Z]; auto. exfalso.
      assert (K : forall g, ⟨leave_out j v, g⟩ <= 0) by (intro g; eapply Rle_trans;
        [apply cauchy_schwarz |]; rewrite <- Z, sqrt_0; lra).
      assert (E : form X v v = 2 * form X (leave_out j v) v - form X (leave_out j v) (leave_out j
        v)).
      { rewrite form_out by auto. unfold leave_out. expand. rewrite basis_l by auto. ring. }
      pose proof (K (mul X v)). pose proof (K ((-1) ⊙ mul X (leave_out j v))) as K2.
      rewrite dot_scale_r in K2. pose proof (K (mul X (leave_out j v))). nra.
    + unfold F in Fj. apply (Rmult_le_reg_l (N - 1)); [lra |].
      replace ((N - 1) * (lam * ((N - 2) / (N - 1)) * ‖leave_out j v‖²))
        with (lam * (N - 2) * ‖leave_out j v‖²) by (field; lra). lra.
Qed.
End Chain.
