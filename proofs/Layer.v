(* The setting of the book: a matrix W, a model, restricted isometry, and pooling.
   Places are the pairs (i, p) of a filter and a position; `all` lists each of them once. *)
Require Export Sums.

Section Layer.
Context {Place Coord : Type} `{Finite Place} `{Finite Coord}.
Variable w : Place -> Coord -> R.                 (* the rows of W: the filter of a place *)
Variable model : (Place -> bool) -> Prop.         (* which sets of places are supports *)

Notation signal := (Coord -> R).
Notation code := (Place -> R).
Definition W (x : signal) : code := fun p => ⟨w p, x⟩.
Definition Wᵀ (z : code) : signal := fun c => ∑ p, z p * w p c.

(* M_k^s: the sums of s codes, each of which vanishes off a support. *)
Definition off (S : Place -> bool) (z : code) := z ↾ S = z.
Fixpoint M (s : nat) (z : code) : Prop :=
  match s with
  | O => z = fun _ => 0
  | S s => exists S a b, model S /\ off S a /\ M s b /\ z = a ⊕ b
  end.
(* δ(M_k^s) is at most d. So RIP 1 δ says δ_k <= δ, and RIP 2 δ says δ_2k <= δ. *)
Definition RIP s d := forall z, M s z -> (1 - d) * ‖z‖² <= ‖Wᵀ z‖² <= (1 + d) * ‖z‖².

(* T is kept by pooling u: no support of the model catches more of the energy of u. *)
Definition pools (u : code) (T : Place -> bool) :=
  model T /\ forall S, model S -> ‖u ↾ S‖² <= ‖u ↾ T‖².

Lemma adjoint z x : ⟨Wᵀ z, x⟩ = ⟨z, W x⟩.
Proof.
  unfold Wᵀ, W, dot. transitivity (∑ c, ∑ p, z p * (w p c * x c)).
  - apply sum_ext; intro c. rewrite Rmult_comm, <- sum_scale. apply sum_ext; intro; ring.
  - rewrite sum_swap. apply sum_ext; intro p. now rewrite sum_scale.
Qed.
Lemma Wᵀ_add y z : Wᵀ (y ⊕ z) = Wᵀ y ⊕ Wᵀ z.
Proof. extensionality c. unfold Wᵀ, add. rewrite <- sum_add. apply sum_ext; intro; ring. Qed.
Lemma Wᵀ_scale t z : Wᵀ (t ⊙ z) = t ⊙ Wᵀ z.
Proof. extensionality c. unfold Wᵀ, scale. rewrite <- sum_scale. apply sum_ext; intro; ring. Qed.
Lemma Wᵀ_sub y z : Wᵀ (y ⊖ z) = Wᵀ y ⊖ Wᵀ z.
Proof.
  replace (y ⊖ z) with (y ⊕ (-1) ⊙ z) by (places; ring). rewrite Wᵀ_add, Wᵀ_scale. places; ring.
Qed.
Lemma W_add x y : W (x ⊕ y) = W x ⊕ W y.
Proof. extensionality p. unfold W. now rewrite dot_add_r. Qed.
Lemma W_sub x y : W (x ⊖ y) = W x ⊖ W y.
Proof. extensionality p. unfold W. now rewrite dot_sub_r. Qed.

(* The union of s supports is a support of M_k^s. *)
Fixpoint Ms (s : nat) (T : Place -> bool) : Prop :=
  match s with
  | O => T = fun _ => false
  | S s => exists A B, model A /\ Ms s B /\ T = A ∪ B
  end.
Lemma M_off s : forall T z, Ms s T -> off T z -> M s z.
Proof.
  unfold off. induction s as [| s IH]; simpl; intros T z HT Z.
  - subst T. rewrite <- Z. places. auto.
  - destruct HT as (A & B & HA & HB & ->). exists A, (z ↾ A), (z ↾ (B ∖ A)).
    split; [exact HA | split; [apply on_on | split]].
    + apply IH with B; auto. places. destruct (A p), (B p); auto.
    + rewrite <- Z at 1. places. destruct (A p), (B p); simpl; ring.
Qed.
Lemma Ms_1 A : model A -> Ms 1 A.
Proof. exists A, (fun _ => false). repeat split; auto. places. now destruct (A p). Qed.
Lemma Ms_2 A B : model A -> model B -> Ms 2 (A ∪ B).
Proof. exists A, B. auto using Ms_1. Qed.
Lemma Ms_3 A B C : model A -> model B -> model C -> Ms 3 (A ∪ (B ∪ C)).
Proof. exists A, (B ∪ C). auto using Ms_2. Qed.
Lemma off_on T f : off T (f ↾ T). Proof. apply on_on. Qed.
Lemma off_add T f g : off T f -> off T g -> off T (f ⊕ g).
Proof. unfold off. intros F G. rewrite <- F, <- G. places. destruct (T p); ring. Qed.
Lemma off_sub T f g : off T f -> off T g -> off T (f ⊖ g).
Proof. unfold off. intros F G. rewrite <- F, <- G. places. destruct (T p); ring. Qed.
Lemma off_scale T c f : off T f -> off T (c ⊙ f).
Proof. unfold off. intros F. rewrite <- F. places. destruct (T p); ring. Qed.
Lemma off_mono S T f : (forall p, S p = true -> T p = true) -> off S f -> off T f.
Proof. unfold off. intros L F. rewrite <- F. places. specialize (L p).
destruct (S p), (T p); auto. now discriminate L. Qed.
Lemma rip s d T y : RIP s d -> Ms s T -> off T y -> (1 - d) * ‖y‖² <= ‖Wᵀ y‖² <= (1 + d) * ‖y‖².
Proof. eauto using M_off. Qed.
Lemma RIP_1_of_2 d : RIP 2 d -> RIP 1 d.
Proof.
  intros R z Z. apply R. pose proof Z as (S & _ & _ & HS & _).
  exists S, (fun _ => 0), z. repeat split; auto; unfold off; places; [now destruct (S p) | ring].
Qed.
End Layer.
