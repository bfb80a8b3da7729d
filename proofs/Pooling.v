(* The chapter "Max pooling": pooling is a projection, and what the sums of codes are.
   Places come in blocks, one for each filter; the list of all places is block after block. *)
Require Import Layer Permutation Sorted Lia.

Section Any_model.
Context {Place : Type} `{Finite Place}.
Variable model : (Place -> bool) -> Prop.
Implicit Types (u z : Place -> R) (S T Ŝ : Place -> bool).
Definition relu u p := Rmax (u p) 0.

(* With ReLU: Ŝ catches the most energy of relu u, and only places with u > 0 are kept. (Where the
   parts of a support are supports there is one: leave out of any pooled set what ReLU makes 0.) *)
Definition relu_pools u Ŝ := pools model (relu u) Ŝ /\ forall p, Ŝ p = true -> 0 < u p.

(* Theorem "Max pooling is a projection", for any model:
   the places that catch the most energy are those of the nearest code. *)
Definition Nearest :=
  forall u z S Ŝ, pools model u Ŝ -> model S -> off S z -> ‖u ⊖ u ↾ Ŝ‖² <= ‖u ⊖ z‖².

(* Proposition "ReLU and max pooling": the nearest code without a negative entry. *)
Definition Relu_nearest :=
  forall u z S Ŝ, relu_pools u Ŝ -> model S -> off S z -> (forall p, 0 <= z p) ->
  ‖u ⊖ u ↾ Ŝ‖² <= ‖u ⊖ z‖².

(* Proofs. *)

Lemma split_energy u T : ‖u ⊖ u ↾ T‖² = ‖u‖² - ‖u ↾ T‖².
Proof.
  enough (‖u ⊖ u ↾ T‖² + ‖u ↾ T‖² = ‖u‖²) by lra. unfold dot. rewrite <- sum_add.
  apply sum_ext; intro p. unfold on, sub. destruct (T p); ring.
Qed.
Theorem nearest : Nearest.
Proof.
  intros u z S T [_ B] HS Z. specialize (B S HS). unfold off in Z. rewrite split_energy.
  enough (‖u‖² <= ‖u ⊖ z‖² + ‖u ↾ S‖²) by lra. unfold dot. rewrite <- sum_add.
  apply sum_le; intro p. apply (f_equal (fun f => f p)) in Z. unfold on, sub in *.
  destruct (S p); [pose proof (pow2_ge_0 (u p - z p)); nra | rewrite <- Z; lra].
Qed.

Lemma Rmax_cases a : (0 <= a /\ Rmax a 0 = a) \/ (a < 0 /\ Rmax a 0 = 0).
Proof.
  destruct (Rle_dec 0 a); [left | right]; split; auto; try lra.
  - now apply Rmax_left.
  - apply Rmax_right; lra.
Qed.
Lemma relu_kept u T : (forall p, T p = true -> 0 < u p) -> relu u ↾ T = u ↾ T.
Proof.
  intro P. extensionality p. specialize (P p). unfold on, relu. destruct (T p); auto.
  rewrite Rmax_left; auto. left; auto.
Qed.
Theorem relu_nearest : Relu_nearest.
Proof.
  intros u z S T [[_ B] P] HS Z Pz. specialize (B S HS). unfold off in Z.
  rewrite split_energy, <- (relu_kept u T P).
  enough (‖u‖² <= ‖u ⊖ z‖² + ‖relu u ↾ S‖²) by lra. unfold dot. rewrite <- sum_add.
  apply sum_le; intro p. apply (f_equal (fun f => f p)) in Z. specialize (Pz p).
  unfold on, sub, relu in *. destruct (Rmax_cases (u p)) as [[L ->] | [L ->]]; destruct (S p);
    try rewrite <- Z; try lra; pose proof (pow2_ge_0 (u p - z p)); nra.
Qed.
End Any_model.

Section Blocks.
Context {Place : Type}.
Variable blocks : list (list Place).
Instance places : Finite Place := concat blocks.
Implicit Types (u z : Place -> R) (S T Ŝ : Place -> bool).
Definition count T (b : list Place) := length (filter T b).

(* The supports of M_k^s: at most s places in each block, at most s k in all. *)
Definition supports s k T :=
  (forall b, In b blocks -> count T b <= s)%nat /\ (count T places <= s * k)%nat.
(* M_k: at most one place in each block, at most k in all. *)
Definition M_k k := supports 1 k.

(* M(u, k): in each block only an entry of largest magnitude; of these, k of largest magnitude.
   t lies between the energies of the kept and of the others. Ties may be broken in any way. *)
Definition max_pooling k u Ŝ :=
  (forall b, In b blocks -> count Ŝ b <= 1)%nat /\ count Ŝ places = k /\
  exists t, 0 <= t /\
    forall b, In b blocks ->
      (forall p, In p b -> Ŝ p = true -> t <= (u p)^2 /\ forall q,
        In q b -> (u q)^2 <= (u p)^2) /\
      (count Ŝ b = O -> forall q, In q b -> (u q)^2 <= t).

(* The module's way: the first of the largest entries of each block,
  then these in decreasing order
   (of equal ones the first block first), and of that list the first k. *)
Fixpoint winner u (b : list Place) : list Place :=
  match b with
  | [] => []
  | p :: r => match winner u r with
              | q :: _ => if Rlt_dec ((u p)^2) ((u q)^2) then [q] else [p]
              | [] => [p]
              end
  end.
Fixpoint insert u p (l : list Place) : list Place :=
  match l with
  | [] => [p]
  | q :: r => if Rlt_dec ((u p)^2) ((u q)^2) then q :: insert u p r else p :: l
  end.
Definition sort u (l : list Place) := fold_right (insert u) [] l.
Definition winners u := sort u (concat (map (winner u) blocks)).

Hypothesis eq_dec : forall p q : Place, {p = q} + {p <> q}.
Hypothesis once : NoDup (concat blocks).                  (* no place is listed twice *)
Hypothesis complete : forall p, In p (concat blocks).     (* every place is listed *)
Hypothesis full : forall b, In b blocks -> b <> [].       (* no block is empty *)
Definition holds (l : list Place) p := if in_dec eq_dec p l then true else false.
Definition first_ties k u := holds (firstn k (winners u)).

(* Theorem "Max pooling is a projection": max pooling catches the most energy, however ties are
   broken. *)
Definition Max_pooling_pools :=
  forall k u Ŝ, max_pooling k u Ŝ -> pools (M_k k) u Ŝ.

(* Theorem "Max pooling is a projection": so it gives a nearest code of the model. *)
Definition Max_pooling_is_nearest :=
  forall k u z S Ŝ, max_pooling k u Ŝ -> M_k k S -> off S z -> ‖u ⊖ u ↾ Ŝ‖² <= ‖u ⊖ z‖².

(* Definition "Max pooling": ties go to the first index. That rule gives a max pooling, so there
   always is one. *)
Definition First_ties_pool :=
  forall k u, (k <= length blocks)%nat -> max_pooling k u (first_ties k u).

(* Lemma "The sums": M_k^s is the set of codes with at most s non-zeros in each block and at most
   s k in all. *)
Definition Sums :=
  forall s k z, M (M_k k) s z <-> exists T, supports s k T /\ off T z.

(* Proofs. *)

Lemma sum_concat {A} (l : list (list A)) f : sum (concat l) f = sum l (fun b => sum b f).
Proof.
  induction l as [| b r IH]; simpl; auto. rewrite <- IH. clear IH. induction b; simpl; lra.
Qed.
Lemma count_app T a b : count T (a ++ b) = (count T a + count T b)%nat.
Proof. unfold count. now rewrite filter_app, app_length. Qed.
Lemma count_concat T l : INR (count T (concat l)) = sum l (fun b => INR (count T b)).
Proof. induction l; simpl; auto. rewrite count_app, plus_INR, IHl. auto. Qed.
Lemma count_cases T b : (count T b <= 1)%nat ->
  (count T b = O /\ forall f : Place -> R, (forall p, T p = false -> f p = 0) -> sum b f = 0) \/
  (count T b = 1%nat /\ exists p, In p b /\ T p = true /\
    forall f, (forall q, T q = false -> f q = 0) -> sum b f = f p).
Proof.
  unfold count. induction b as [| a r IH]; simpl; [left; auto |].
  destruct (T a) eqn:E; simpl; intro L.
  - right. destruct IH as [[Z F] | [Z _]]; [lia | | lia]. split; [lia |]. exists a.
    repeat split; auto. intros f Hf. rewrite (F f Hf). lra.
  - destruct IH as [[Z F] | [Z (p & I & Tp & F)]]; [lia | left | right]; split; auto.
    + intros f Hf. rewrite (Hf a E), (F f Hf). lra.
    + exists p. repeat split; auto. intros f Hf. rewrite (Hf a E), (F f Hf). lra.
Qed.

(* Block by block, with the price t for a place: what S catches more than T, it pays for. *)
Theorem max_pooling_pools : Max_pooling_pools.
Proof.
  intros k u T (One & Cnt & t & Pos & Best). split; [split; auto; lia |]. intros S [SOne SCnt].
  enough (‖u ↾ S‖² - ‖u ↾ T‖² <= t * (INR (count S places) - INR (count T places))) as K.
  { apply le_INR in SCnt. rewrite mult_INR in SCnt. simpl in SCnt. rewrite Cnt in K. nra. }
  unfold dot, all. unfold places. rewrite !sum_concat, !count_concat.
  clear Cnt SCnt once full complete.
  revert One Best SOne. induction blocks as [| b r IH]; intros; simpl; [lra |].
  specialize (IH ltac:(intros; apply One; now right) ltac:(intros; apply Best; now right)
    ltac:(intros; apply SOne; now right)).
  enough (sum b (fun p => (u ↾ S) p * (u ↾ S) p) - sum b (fun p => (u ↾ T) p * (u ↾ T) p)
    <= t * (INR (count S b) - INR (count T b))) by lra.
  clear IH. specialize (One b (or_introl eq_refl)). specialize (SOne b (or_introl eq_refl)).
  destruct (Best b (or_introl eq_refl)) as [Win Lose].
  assert (Z : forall X q, X q = false -> (u ↾ X) q * (u ↾ X) q = 0)
    by (intros X q E; unfold on; rewrite E; ring).
  destruct (count_cases S b SOne) as [[CS FS] | [CS (p & Ip & Sp & FS)]],
    (count_cases T b One) as [[CT FT] | [CT (q & Iq & Tq & FT)]];
    rewrite (FS _ (Z S)), (FT _ (Z T)), CS, CT; unfold on; rewrite ?Sp, ?Tq; simpl.
  - lra.
  - destruct (Win q Iq Tq). nra.
  - pose proof (Lose CT p Ip). nra.
  - destruct (Win q Iq Tq) as [_ L]. specialize (L p Ip). nra.
Qed.
Corollary max_pooling_is_nearest : Max_pooling_is_nearest.
Proof. intros k u z S T P HS Z. apply (nearest (M_k k) u z S); auto. now apply max_pooling_pools.
Qed.

(* The rule for ties. *)
Lemma winner_spec u b : b <> [] ->
  exists p, winner u b = [p] /\ In p b /\ forall q, In q b -> (u q)^2 <= (u p)^2.
Proof.
  induction b as [| a r IH]; [easy | intros _]. destruct r as [| c r].
  - exists a. split; [auto | split; [now left |]]. intros q [-> | []]. lra.
  - destruct IH as (p & E & I & L); [easy |]. remember (c :: r) as r' eqn:Er. cbn [winner].
    rewrite E.
    destruct (Rlt_dec ((u a)^2) ((u p)^2)) as [A | A]; [exists p | exists a];
      (split; [auto | split; [simpl; auto |]]).
    + intros q [<- | J]; auto. lra.
    + intros q [<- | J]; [lra |]. specialize (L q J). lra.
Qed.
Lemma insert_perm u p l : Permutation (insert u p l) (p :: l).
Proof.
  induction l as [| q r IH]; simpl; auto. destruct (Rlt_dec _ _); auto. rewrite IH.
  apply perm_swap.
Qed.
Lemma sort_perm u l : Permutation (sort u l) l.
Proof. induction l; simpl; auto. rewrite insert_perm. now constructor. Qed.
Definition falling u := StronglySorted (fun p q => (u q)^2 <= (u p)^2).
Lemma insert_falling u p l : falling u l -> falling u (insert u p l).
Proof.
  induction 1 as [| q r F IH B]; simpl; [repeat constructor |]. destruct (Rlt_dec _ _).
  - constructor; auto. rewrite Forall_forall in *. intros x I.
    apply (Permutation_in _ (insert_perm u p r)) in I. destruct I as [<- | I]; auto. lra.
  - constructor; [now constructor |]. rewrite Forall_forall in *.
    intros x [<- | I]; [lra | specialize (B x I); lra].
Qed.
Lemma sort_falling u l : falling u (sort u l).
Proof. induction l; simpl; [constructor | now apply insert_falling]. Qed.
Lemma price u k l : falling u l -> exists t, 0 <= t /\
  (forall p, In p (firstn k l) -> t <= (u p)^2) /\
  (forall p, In p l -> ~ In p (firstn k l) -> (u p)^2 <= t) /\
  (forall m, 0 <= m -> (forall p, In p l -> (u p)^2 <= m) -> t <= m).
Proof.
  intro F. revert k. induction F as [| q r F IH B]; intro k.
  - exists 0. rewrite firstn_nil. repeat split; try easy; lra.
  - rewrite Forall_forall in B. destruct k as [| k].
    + exists ((u q)^2). repeat split; cbn [firstn In]; try easy; [apply (pow2_ge_0 (u q)) | |].
      * intros p [<- | I] _; [lra | apply B; auto].
      * intros m _ U. apply U. now left.
    + destruct (IH k) as (t & T0 & K & O & U). exists t. repeat split; auto; cbn [firstn In].
      * intros p [<- | I]; auto. apply U; [apply pow2_ge_0 | apply B].
      * intros p [<- | I] N; [exfalso; apply N; now left |]. apply O; auto.
      * intros m m0 L. apply U; auto.
Qed.

(* Blocks do not meet, so a winner in b is the winner of b. *)
Lemma in_winners u p : In p (concat (map (winner u) blocks)) ->
  exists b, In b blocks /\ In p b /\ winner u b = [p].
Proof.
  intro I. apply in_concat in I. destruct I as (l & L & I). apply in_map_iff in L.
  destruct L as (b & <- & Hb). destruct (winner_spec u b (full b Hb)) as (q & E & Iq & _).
  rewrite E in I. destruct I as [-> | []]. eauto.
Qed.
Lemma NoDup_app (a b : list Place) :
  NoDup (a ++ b) -> NoDup a /\ NoDup b /\ forall p, In p a -> ~ In p b.
Proof.
  induction a as [| x a IH]; simpl; intro N; [split; [constructor | split; auto] |].
  inversion N as [| y l A B]. destruct (IH B) as (Na & Nb & D). repeat split; auto.
  - constructor; auto. intro I. apply A. apply in_or_app. now left.
  - intros p [<- | I]; auto. intro J. apply A. apply in_or_app. now right.
Qed.
Lemma one_block (l : list (list Place)) b c p :
  NoDup (concat l) -> In b l -> In c l -> In p b -> In p c -> b = c.
Proof.
  induction l as [| a l IH]; simpl; [easy |]. intros N Hb Hc Ib Ic.
  destruct (NoDup_app _ _ N) as (_ & N' & D).
  destruct Hb as [<- | Hb], Hc as [<- | Hc]; auto; exfalso; apply (D p); auto;
    apply in_concat; eauto.
Qed.
Lemma winners_once u l : (forall b, In b l -> b <> []) -> NoDup (concat l) ->
  NoDup (concat (map (winner u) l)) /\ length (concat (map (winner u) l)) = length l /\
  forall p, In p (concat (map (winner u) l)) -> In p (concat l).
Proof.
  induction l as [| b l IH]; simpl; intros F N; [repeat split; auto; constructor |].
  destruct (NoDup_app _ _ N) as (_ & N' & D). destruct IH as (A & L & I); auto.
  destruct (winner_spec u b (F b (or_introl eq_refl))) as (p & E & J & _). rewrite E. simpl.
  repeat split; auto.
  - constructor; auto. intro K. apply (D p J). auto.
  - intros q [<- | K]; apply in_or_app; auto.
Qed.
Lemma one_at_most (l : list Place) p : NoDup l -> (forall q,
  In q l -> q = p) -> (length l <= 1)%nat.
Proof.
  destruct l as [| a [| b l]]; simpl; intros N E; auto. exfalso. inversion N as [| x y A B].
  apply A. left. rewrite (E a), (E b); auto.
Qed.
Lemma holds_in l p : holds l p = true <-> In p l.
Proof. unfold holds. destruct (in_dec eq_dec p l); split; auto; easy. Qed.
Theorem first_ties_pool : First_ties_pool.
Proof.
  intros k u Hk. destruct (winners_once u blocks full once) as (NW & LW & IW).
  set (l := concat (map (winner u) blocks)) in *. pose proof (sort_perm u l) as P.
  set (kept := firstn k (winners u)). assert (Kl : forall p, In p kept -> In p l).
  { intros p I. apply (Permutation_in p P). change (In p (winners u)).
    rewrite <- (firstn_skipn k (winners u)). apply in_or_app. now left. }
  assert (NK : NoDup kept).
  { assert (N : NoDup (winners u)) by apply (Permutation_NoDup (Permutation_sym P) NW).
    rewrite <- (firstn_skipn k (winners u)) in N. now apply NoDup_app in N. }
  assert (Own : forall b p, In b blocks -> In p b -> In p kept -> winner u b = [p]).
  { intros b p Hb Ib Ik. destruct (in_winners u p (Kl p Ik)) as (c & Hc & Ic & E).
    now rewrite (one_block blocks b c p once Hb Hc Ib Ic). }
  unfold first_ties. fold kept. repeat split.
  - intros b Hb. destruct (winner_spec u b (full b Hb)) as (p & E & _). apply one_at_most with p.
    + apply NoDup_filter. apply in_split in Hb. destruct Hb as (l1 & l2 & ->).
      rewrite concat_app in once. apply NoDup_app in once. simpl in once.
      destruct once as (_ & N & _). now apply NoDup_app in N.
    + intros q I. apply filter_In in I. destruct I as [Ib Ik]. apply holds_in in Ik.
      rewrite (Own b q Hb Ib Ik) in E. congruence.
  - unfold count, places. transitivity (length kept).
    + apply Permutation_length, NoDup_Permutation; auto; [now apply NoDup_filter |].
      intro p. rewrite filter_In, holds_in. split; [easy | intro I; split; auto].
    + unfold kept. apply firstn_length_le.
      rewrite (Permutation_length P : length (winners u) = _).
      lia.
  - destruct (price u k _ (sort_falling u l)) as (t & T0 & K & O & _). fold (winners u) in *.
    fold kept in K, O. exists t. split; auto. intros b Hb.
    destruct (winner_spec u b (full b Hb)) as (w & E & Iw & Best). split.
    + intros p Ib Ik. apply holds_in in Ik. split; auto. rewrite (Own b p Hb Ib Ik) in E.
      now injection E as ->.
    + intros C q Iq. eapply Rle_trans; [apply (Best q Iq) |]. apply O.
      * apply (Permutation_in _ (Permutation_sym P)). apply in_concat. exists [w].
        split; [rewrite <- E; now apply in_map | now left].
      * intro I. unfold count in C. apply length_zero_iff_nil in C.
        assert (In w []) by (rewrite <- C; apply filter_In; now rewrite holds_in). easy.
Qed.

(* The sums. Easy half: supports add up. *)
Lemma count_union S T b : (count (S ∪ T) b <= count S b + count T b)%nat.
Proof.
  unfold count, union. induction b as [| a r IH]; simpl; auto.
  destruct (S a), (T a); simpl; lia.
Qed.
(* Other half: of the places of T in their order take the first, leave s - 1 out, take the next...
   *)
Fixpoint pick (s : nat) T i (l : list Place) : list Place * nat :=
  match l with
  | [] => ([], i)
  | p :: r => if T p then match i with
                          | O => let (a, j) := pick s T (s - 1)%nat r in (p :: a, j)
                          | Datatypes.S i => pick s T i r
                          end
              else pick s T i r
  end.
Lemma pick_in s T l : forall i p, In p (fst (pick s T i l)) -> In p l /\ T p = true.
Proof.
  induction l as [| a r IH]; simpl; intros i p; [easy |]. destruct (T a) eqn:E; [destruct i |].
  - specialize (IH (s - 1)%nat p). destruct (pick s T (s - 1)%nat r). simpl in *.
    intros [<- | I]; auto. destruct (IH I). auto.
  - intro I. destruct (IH i p I). auto.
  - intro I. destruct (IH i p I). auto.
Qed.
Lemma pick_once s T l : NoDup l -> forall i, NoDup (fst (pick s T i l)).
Proof.
  induction 1 as [| a r A N IH]; simpl; intro i; [constructor |].
  destruct (T a); [destruct i |]; auto.
  pose proof (pick_in s T r (s - 1) a). specialize (IH (s - 1)%nat).
  destruct (pick s T (s - 1)%nat r); simpl in *. constructor; auto. intro I. now apply A, H.
Qed.
Lemma pick_count s T l : (1 <= s)%nat -> forall i, (i <= s - 1)%nat ->
  let (a, j) := pick s T i l in (length a * s + i = count T l + j /\ j <= s - 1)%nat.
Proof.
  intro Hs. unfold count. induction l as [| a r IH]; simpl; intros i Hi; [lia |].
  destruct (T a); [destruct i |]; simpl.
  - specialize (IH (s - 1)%nat (le_n _)). destruct (pick s T (s - 1)%nat r). simpl. lia.
  - specialize (IH i ltac:(lia)). destruct (pick s T i r). lia.
  - specialize (IH i Hi). destruct (pick s T i r). lia.
Qed.
Lemma pick_app s T a : forall b i, let (x, j) := pick s T i a in let (y, k) := pick s T j b in
  pick s T i (a ++ b) = (x ++ y, k).
Proof.
  induction a as [| p a IH]; intros b i; simpl; [now destruct (pick s T i b) |].
  destruct (T p); [destruct i |].
  - specialize (IH b (s - 1)%nat). destruct (pick s T (s - 1)%nat a) as [x j].
    destruct (pick s T j b) as [y k]. now rewrite IH.
  - apply (IH b i).
  - apply (IH b i).
Qed.
(* How many of the picked places lie in one block. *)
Lemma picked_block s T l : (1 <= s)%nat -> NoDup (concat l) -> forall b, In b l ->
  forall i, (i <= s - 1)%nat -> exists i' j, (i' <= s - 1 /\ j <= s - 1)%nat /\
  (count (holds (fst (pick s T i (concat l)))) b * s + i' = count T b + j)%nat.
Proof.
  intros Hs. induction l as [| a l IH]; simpl; [easy |]. intros N b Hb i Hi.
  destruct (NoDup_app _ _ N) as (Na & Nl & D).
  pose proof (pick_app s T a (concat l) i) as App. pose proof (pick_count s T a Hs i Hi) as Ca.
  pose proof (pick_in s T a i) as Ia. pose proof (pick_once s T a Na i) as Oa.
  destruct (pick s T i a) as [x j]. pose proof (pick_in s T (concat l) j) as Il. simpl in *.
  destruct Hb as [<- | Hb].
  - destruct (pick s T j (concat l)) as [y k]. rewrite App. simpl in *. exists i, j.
    split; [lia |].
    replace (count (holds (x ++ y)) a) with (length x); [lia |].
    symmetry. apply Permutation_length, NoDup_Permutation; auto; [now apply NoDup_filter |].
    intro p. rewrite filter_In, holds_in, in_app_iff. split.
    + intros [I [J | J]]; auto. exfalso. apply (D p I), (Il p J).
    + intro J. split; auto. now apply Ia.
  - destruct (IH Nl b Hb j ltac:(lia)) as (i' & j' & B & E). exists i', j'. split; auto.
    rewrite <- E.
    destruct (pick s T j (concat l)) as [y k]. rewrite App. simpl. f_equal. f_equal.
    unfold count. f_equal. apply filter_ext_in. intros p I.
    destruct (holds y p) eqn:Hy; [apply holds_in in Hy; apply holds_in, in_or_app; auto |].
    destruct (holds (x ++ y) p) eqn:Hx; auto. apply holds_in, in_app_iff in Hx.
    destruct Hx as [Hx | Hx]; [| apply holds_in in Hx; congruence].
    exfalso. apply (D p); [now apply Ia | apply in_concat; eauto].
Qed.
Lemma picked_all T a b : (forall p, In p a -> In p b /\ T p = true) -> NoDup a -> NoDup b ->
  count (holds a) b = length a.
Proof.
  intros I Na Nb. apply Permutation_length, NoDup_Permutation; auto; [now apply NoDup_filter |].
  intro p. rewrite filter_In, holds_in. split; [easy | intro J; split; auto; now apply I].
Qed.
Lemma count_minus S T b : (forall p, S p = true -> T p = true) ->
  (count (T ∖ S) b + count S b = count T b)%nat.
Proof.
  intro L. unfold count, minus. induction b as [| a r IH]; simpl; auto. specialize (L a).
  destruct (T a), (S a); simpl; lia.
Qed.
Theorem sums : Sums.
Proof.
  intros s k. induction s as [| s IH]; intro z; simpl; split.
  - intros ->. exists (fun _ => false). split; [split |].
    + intros b _. unfold count. induction b; simpl; auto.
    + unfold count. induction places; simpl; auto.
    + unfold off. now places.
  - intros (T & [_ C] & Z). unfold off in Z. extensionality p. rewrite <- Z. unfold on.
    destruct (T p) eqn:E; auto. unfold count in C.
    assert (length (filter T places) = O) as C0 by lia. apply length_zero_iff_nil in C0.
    assert (In p []) by (rewrite <- C0; apply filter_In; split; auto; apply complete). easy.
  - intros (S & a & b & [S1 S2] & A & B & ->). apply IH in B. destruct B as (T & [T1 T2] & B).
    exists (S ∪ T). split; [split |].
    + intros c Hc. pose proof (count_union S T c). specialize (S1 c Hc). specialize (T1 c Hc).
      lia.
    + pose proof (count_union S T places). simpl in *. lia.
    + apply off_add; [apply (off_mono S) | apply (off_mono T)]; auto; unfold union; intros p ->;
        auto.
      apply orb_true_r.
  - intros (T & [T1 T2] & Z). set (A := holds (fst (pick (Datatypes.S s) T 0 places))).
    assert (AT : forall p, A p = true -> T p = true) by
      (intros p I; apply holds_in in I; now apply (pick_in _ _ _ _ _ I)).
    pose proof (pick_count (Datatypes.S s) T places ltac:(lia) 0 ltac:(lia)) as C.
    pose proof (picked_all T (fst (pick (Datatypes.S s) T 0 places)) places
      (pick_in _ _ _ _) (pick_once _ _ _ once _) once) as CA. fold A in CA.
    destruct (pick (Datatypes.S s) T 0 places) as [x j] eqn:E. simpl in CA.
    pose proof (count_minus A T) as CM.
    exists A, (z ↾ A), (z ↾ (T ∖ A)). split; [split | split; [apply off_on | split]].
    + intros b Hb.
      destruct (picked_block (Datatypes.S s) T blocks ltac:(lia) once b Hb 0 ltac:(lia))
        as (i' & j' & Bd & Eq).
      fold places in Eq. rewrite E in Eq. fold A in Eq. specialize (T1 b Hb). nia.
    + rewrite CA. nia.
    + apply IH. exists (T ∖ A). split; [split | apply off_on].
      * intros b Hb.
        destruct (picked_block (Datatypes.S s) T blocks ltac:(lia) once b Hb 0 ltac:(lia))
          as (i' & j' & Bd & Eq).
        fold places in Eq. rewrite E in Eq. fold A in Eq. specialize (T1 b Hb).
        specialize (CM b AT). nia.
      * specialize (CM places AT). nia.
    + unfold off in Z. rewrite <- Z at 1. specialize AT. extensionality p. specialize (AT p).
      unfold on, add, minus. destruct (T p), (A p); simpl; try ring. now discriminate AT.
Qed.
End Blocks.
