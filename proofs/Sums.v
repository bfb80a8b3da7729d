(* Finite sums, inner products and restrictions. Nothing here is about layers. *)
Require Export Reals Lra Psatz List Bool FunctionalExtensionality.
Export ListNotations.
Global Open Scope R_scope.

(* A vector is a function from a finite set of indices (the list `all`) to the real numbers. *)
Class Finite (A : Type) := all : list A.
Fixpoint sum {A} (l : list A) (f : A -> R) : R := match l with [] => 0
  | a :: r => f a + sum r f end.
Notation "∑ a , t" := (sum all (fun a => t)) (at level 45, a name, t at level 45).
Definition dot {A} `{Finite A} (f g : A -> R) := ∑ a, f a * g a.
Definition add {A} (f g : A -> R) a := f a + g a.
Definition sub {A} (f g : A -> R) a := f a - g a.
Definition scale {A} c (f : A -> R) a := c * f a.
Definition on {A} (f : A -> R) (T : A -> bool) a := if T a then f a else 0.
Definition union {A} (S T : A -> bool) a := S a || T a.
Definition minus {A} (S T : A -> bool) a := S a && negb (T a).
Notation "⟨ f , g ⟩" := (dot f g) (f at level 49, g at level 49).
Notation "‖ f ‖²" := (dot f f) (at level 35, f at level 49).
Notation "‖ f ‖" := (sqrt (dot f f)) (at level 35, f at level 49).
Notation "f ⊕ g" := (add f g) (at level 46, left associativity).
Notation "f ⊖ g" := (sub f g) (at level 46, left associativity).
Notation "c ⊙ f" := (scale c f) (at level 44, right associativity).
Notation "f ↾ T" := (on f T) (at level 42, left associativity).
Notation "S ∪ T" := (union S T) (at level 40, left associativity).
Notation "S ∖ T" := (minus S T) (at level 40, left associativity).

Section Sums.
Context {A : Type}.
Implicit Types (l : list A) (f g : A -> R).
Lemma sum_ext l f g : (forall a, f a = g a) -> sum l f = sum l g.
Proof. intro E. now rewrite (functional_extensionality f g E). Qed.
Lemma sum_add l f g : sum l (fun a => f a + g a) = sum l f + sum l g.
Proof. induction l; simpl; lra. Qed.
Lemma sum_scale l c f : sum l (fun a => c * f a) = c * sum l f.
Proof. induction l; simpl; lra. Qed.
Lemma sum_le l f g : (forall a, f a <= g a) -> sum l f <= sum l g.
Proof. intro L. induction l as [| a r]; simpl; [lra | specialize (L a); lra]. Qed.
Lemma sum_zero l : sum l (fun _ => 0) = 0.
Proof. induction l; simpl; lra. Qed.
End Sums.
Lemma sum_swap {A B} (l : list A) (m : list B) (f : A -> B -> R) :
  sum l (fun a => sum m (f a)) = sum m (fun b => sum l (fun a => f a b)).
Proof. induction l; simpl; [now rewrite sum_zero | now rewrite IHl, <- sum_add]. Qed.

Section Dot.
Context {A : Type} `{Finite A}.
Implicit Types f g h : A -> R.
Lemma dot_sym f g : ⟨f, g⟩ = ⟨g, f⟩.
Proof. apply sum_ext; intro; ring. Qed.
Lemma dot_add_l f g h : ⟨f ⊕ g, h⟩ = ⟨f, h⟩ + ⟨g, h⟩.
Proof. unfold dot, add. rewrite <- sum_add. apply sum_ext; intro; ring. Qed.
Lemma dot_scale_l c f h : ⟨c ⊙ f, h⟩ = c * ⟨f, h⟩.
Proof. unfold dot, scale. rewrite <- sum_scale. apply sum_ext; intro; ring. Qed.
Lemma dot_sub_l f g h : ⟨f ⊖ g, h⟩ = ⟨f, h⟩ - ⟨g, h⟩.
Proof. replace (f ⊖ g) with (f ⊕ (-1) ⊙ g) by (extensionality a; unfold add, sub, scale; ring).
rewrite dot_add_l, dot_scale_l. ring. Qed.
Lemma dot_add_r f g h : ⟨h, f ⊕ g⟩ = ⟨h, f⟩ + ⟨h, g⟩.
Proof. now rewrite !(dot_sym h), dot_add_l. Qed.
Lemma dot_sub_r f g h : ⟨h, f ⊖ g⟩ = ⟨h, f⟩ - ⟨h, g⟩.
Proof. now rewrite !(dot_sym h), dot_sub_l. Qed.
Lemma dot_scale_r c f h : ⟨h, c ⊙ f⟩ = c * ⟨h, f⟩.
Proof. now rewrite !(dot_sym h), dot_scale_l. Qed.
Lemma dot_on f g T : ⟨f ↾ T, g⟩ = ⟨f, g ↾ T⟩.
Proof. apply sum_ext; intro a; unfold on; destruct (T a); ring. Qed.
Lemma on_on f T : f ↾ T ↾ T = f ↾ T.
Proof. extensionality a; unfold on; now destruct (T a). Qed.
Lemma pos f : 0 <= ‖f‖².
Proof. unfold dot. rewrite <- (sum_zero all). apply sum_le; intro; nra. Qed.
Lemma on_le f T : ‖f ↾ T‖² <= ‖f‖².
Proof. apply sum_le; intro a; unfold on; destruct (T a); nra. Qed.
End Dot.
Global Hint Rewrite @dot_add_l @dot_add_r @dot_sub_l @dot_sub_r @dot_scale_l @dot_scale_r : dot.
Ltac expand := autorewrite with dot in *.
Ltac places := let p := fresh "p" in extensionality p;
  unfold on, sub, add, scale, union, minus in *; simpl in *.

Section Norm.
Context {A : Type} `{Finite A}.
Implicit Types f g : A -> R.
Lemma norm_sq f : ‖f‖ * ‖f‖ = ‖f‖².
Proof. apply sqrt_sqrt, pos. Qed.
Lemma cauchy_schwarz f g : ⟨f, g⟩ <= ‖f‖ * ‖g‖.
Proof.
  rewrite <- sqrt_mult by apply pos. apply Rle_trans with (Rabs ⟨f, g⟩); [apply Rle_abs |].
  rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt. unfold Rsqr.
  pose proof (pos f). pose proof (pos g). pose proof (pos (‖g‖² ⊙ f ⊖ ⟨f, g⟩ ⊙ g)) as P. expand.
  rewrite (dot_sym g f) in P.
  destruct (Req_dec (‖g‖²) 0) as [Z | Z]; [| nra]. pose proof (pos (‖f‖² ⊙ g ⊖ ⟨f, g⟩ ⊙ f)) as Q.
  expand. rewrite (dot_sym g f) in Q. rewrite Z in *.
  destruct (Req_dec (‖f‖²) 0) as [Y | Y]; [| nra]. pose proof (pos (f ⊕ g)).
  pose proof (pos (f ⊖ g)). expand. rewrite (dot_sym g f) in *. nra.
Qed.
Lemma triangle f g : ‖f ⊕ g‖ <= ‖f‖ + ‖g‖.
Proof.
  pose proof (sqrt_pos (‖f‖²)). pose proof (sqrt_pos (‖g‖²)).
  rewrite <- (sqrt_square (‖f‖ + ‖g‖)) by lra. apply sqrt_le_1_alt.
  pose proof (cauchy_schwarz f g). expand. rewrite (dot_sym g f). pose proof (norm_sq f).
  pose proof (norm_sq g). nra.
Qed.
Lemma norm_le f c a : 0 <= c -> 0 <= a -> ‖f‖² <= c^2 * a^2 -> ‖f‖ <= c * a.
Proof. intros. rewrite <- (sqrt_square (c * a)) by nra. apply sqrt_le_1_alt. nra. Qed.
End Norm.
Lemma norm_le_norm {A B} `{Finite A} `{Finite B} (f : A -> R) (g : B -> R) c : 0 <= c ->
  ‖f‖² <= c^2 * ‖g‖² -> ‖f‖ <= c * ‖g‖.
Proof. intros. apply norm_le; auto using sqrt_pos. replace ((‖g‖)^2) with (‖g‖²); auto.
pose proof (norm_sq g). nra. Qed.
Lemma square_le {A B} `{Finite A} `{Finite B} (f : A -> R) (g : B -> R) c : ‖f‖ <= c * ‖g‖ ->
  ‖f‖² <= c^2 * ‖g‖².
Proof. intro L. pose proof (norm_sq f) as F. pose proof (norm_sq g) as G.
pose proof (sqrt_pos (‖f‖²)). rewrite <- F at 1. rewrite <- G at 1. clear F G. nra. Qed.

(* The 2 x 2 matrix with rows (a, b) and (b, d) is positive semi-definite. *)
Definition PSD a b d := 0 <= a /\ 0 <= d /\ b^2 <= a * d.

Lemma form_pos a b d s t : PSD a b d -> 0 <= a * s^2 + 2 * b * (s * t) + d * t^2.
Proof.
  intros (A & D & B). pose proof (pow2_ge_0 (a * s + b * t)). pose proof (pow2_ge_0 t).
  destruct (Req_dec a 0) as [-> | N].
  - assert (b = 0) by nra. subst b. nra.
  - apply (Rmult_le_reg_l a); [lra |].
    replace (a * (a * s^2 + 2 * b * (s * t) + d * t^2))
      with ((a * s + b * t)^2 + (a * d - b^2) * t^2) by ring.
    nra.
Qed.
