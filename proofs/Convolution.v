(* The chapters "A layer is a matrix" and "Does a longer signal need a better layer?", in one
   dimension, with stride t and with padding: l₀ zeros before the signal and r₀ after it. *)
Require FinFun.
Require Import Sums ZArith Lia.
Open Scope Z_scope.

(* The k integers from a on. *)
Definition range (a k : Z) : list Z := map (fun i => a + Z.of_nat i) (seq 0 (Z.to_nat k)).

Section Convolution.
Context {Filter Channel : Type} `{Finite Channel}.
Variables t l l₀ r₀ : Z.
Hypothesis stride : 1 <= t.
Hypothesis length_pos : 1 <= l.
Hypothesis padding : 0 <= l₀ /\ 0 <= r₀.
(* Filter i in channel m at tap j; zero where there is no tap. *)
Variable w : Filter -> Channel -> Z -> R.
Hypothesis taps : forall i m j, ~ (0 <= j < l) -> w i m j = 0%R.

(* A place is a filter and a position. With n positions the signal has D samples: the last filter
   ends where the frame ends. (Samples that the stride leaves over are left out: no filter reaches
   them.) *)
Notation place := (Filter * Z)%type.
Definition D n := (n - 1) * t + l - l₀ - r₀.
(* Row (i, p) of W: filter i, begun at sample p t - l₀ of every channel, and cut at the ends. *)
Definition row (a : place) m x := w (fst a) m (x - snd a * t + l₀).
Definition samples n f := sum all (fun m => sum (range 0 (D n)) (f m)).
Definition W n x (a : place) := samples n (fun m q => (row a m q * x m q)%R).
Definition gram n (a b : place) := samples n (fun m q => (row a m q * row b m q)%R).
(* The table of lags. *)
Definition c i j d :=
  sum all (fun m => sum (range 0 l) (fun v => (w i m (v + d * t) * w j m v)%R)).
(* A filter is whole at p if it is not cut: from b_l on, and before n - b_r. *)
Definition b_l := (l₀ + t - 1) / t.
Definition b_r := (r₀ + t - 1) / t.
Definition q := (l + t - 1) / t - 1.

(* Proposition "The convolution matrix": the rows of W are the filters, placed. Without padding.
   *)
Definition Matrix :=
  forall n x i p, l₀ = 0 -> r₀ = 0 -> 0 <= p < n ->
  W n x (i, p) = sum all (fun m => sum (range 0 l) (fun j => (w i m j * x m (p * t + j)%Z)%R)).

(* Theorem "The table of lags": without padding, or for whole filters. *)
Definition Lags :=
  forall n i j p p', b_l <= p < n - b_r -> b_l <= p' < n - b_r ->
  gram n (i, p) (j, p') = c i j (p' - p).

(* Theorem "The table of lags": lags beyond q are zero, and the table is symmetric. *)
Definition Lags_end :=
  forall i j d, (q < Z.abs d -> c i j d = 0%R) /\ c j i (- d) = c i j d.

(* Proposition "The adjoint is synthesis", in energies: Wᵀ z for a code z on the places of L. *)
Definition Energy_of_code :=
  forall n L (z : place -> R),
  samples n (fun m x => ((sum L (fun a => z a * row a m x)) ^ 2)%R) =
  sum L (fun a => sum L (fun b => (z a * z b * gram n a b)%R)).

(* A support of M_k^s: a list of places without repetition, at most s of one filter, s k in all.
   *)
Definition fits s k n (L : list place) :=
  NoDup L /\ Z.of_nat (length L) <= s * k /\ (forall a, In a L -> 0 <= snd a < n) /\
  forall i L', (forall a, In a L' -> In a L /\ fst a = i) -> NoDup L' ->
    Z.of_nat (length L') <= s.
(* δ(M_k^s) is at most δ for n positions. *)
Definition RIP s k n δ := forall L (z : place -> R), fits s k n L ->
  let energy := sum L (fun a => sum L (fun b => (z a * z b * gram n a b)%R)) in
  let norm := sum L (fun a => (z a * z a)%R) in
  ((1 - δ) * norm <= energy <= (1 + δ) * norm)%R.

(* Theorem "The constant does not depend on the length": it does not change once the signal has
   n* + b_l + b_r positions; without padding n* = (s k - 1) q + 1. *)
Definition Length_independence :=
  forall s k n n' δ, 1 <= s -> 1 <= k ->
  let N := (s * k - 1) * q + 1 + b_l + b_r in N <= n -> n <= n' ->
  (RIP s k n δ <-> RIP s k n' δ).

(* Theorem "The constant does not depend on the length", without padding, for shorter signals too:
   n may be replaced by the lesser of n and n*. *)
Definition Length_without_padding :=
  forall s k n δ, 1 <= s -> 1 <= k -> 0 <= n -> l₀ = 0 -> r₀ = 0 ->
  (RIP s k n δ <-> RIP s k (Z.min n ((s * k - 1) * q + 1)) δ).

(* Proofs. *)

Lemma range_in a k x : In x (range a k) <-> a <= x < a + k.
Proof.
  unfold range. rewrite in_map_iff. split.
  - intros (i & <- & I). apply in_seq in I. lia.
  - intro B. exists (Z.to_nat (x - a)). rewrite in_seq. lia.
Qed.
Lemma range_split a k j : 0 <= j <= k -> range a k = range a j ++ range (a + j) (k - j).
Proof.
  intro B. unfold range. replace (Z.to_nat k) with (Z.to_nat j + Z.to_nat (k - j))%nat by lia.
  rewrite seq_app, map_app. f_equal. rewrite Nat.add_0_l.
  generalize (Z.to_nat (k - j)) as e. intro e.
  replace (Z.to_nat j) with (Z.to_nat j + 0)%nat at 1 by lia. generalize 0%nat as o.
  induction e as [| e IH]; intro o; simpl; auto. f_equal; [lia |].
  replace (S (Z.to_nat j + o)) with (Z.to_nat j + S o)%nat by lia. apply IH.
Qed.
Lemma sum_app {A} (a b : list A) f : sum (a ++ b) f = (sum a f + sum b f)%R.
Proof. induction a as [| x a IH]; simpl; [| rewrite IH]; lra. Qed.
Lemma sum_same {A} (L : list A) f g : (forall x, In x L -> f x = g x) -> sum L f = sum L g.
Proof.
  induction L as [| x L IH]; simpl; intro E; auto. rewrite (E x), IH; auto.
Qed.
Lemma sum_none {A} (L : list A) f : (forall x, In x L -> f x = 0%R) -> sum L f = 0%R.
Proof. intro E. rewrite (sum_same L f (fun _ => 0%R) E). apply sum_zero. Qed.
(* A sum over a range that holds all non-zeros. *)
Lemma sum_range f a k u v : u <= v -> a <= u -> v <= a + k ->
  (forall x, a <= x < a + k -> ~ (u <= x < v) -> f x = 0%R) ->
  sum (range a k) f = sum (range u (v - u)) f.
Proof.
  intros UV A V Z. rewrite (range_split a k (u - a)) by lia.
  rewrite (range_split (a + (u - a)) (k - (u - a)) (v - u)) by lia. rewrite !sum_app.
  rewrite sum_none, (sum_none (range (a + (u - a) + (v - u)) _)).
  - replace (a + (u - a)) with u by lia. ring.
  - intros x I. apply range_in in I. apply Z; lia.
  - intros x I. apply range_in in I. apply Z; lia.
Qed.
Lemma sum_shift f a k d : sum (range a k) f = sum (range (a - d) k) (fun x => f (x + d)).
Proof.
  unfold range. induction (seq 0 (Z.to_nat k)) as [| x L IH]; simpl; auto. rewrite IH.
  do 2 f_equal. lia.
Qed.
Lemma ceil x : t * ((x + t - 1) / t) >= x.
Proof.
  pose proof (Z.div_mod (x + t - 1) t ltac:(lia)).
  pose proof (Z.mod_pos_bound (x + t - 1) t ltac:(lia)). lia.
Qed.
(* Where a row is not zero; whole filters begin at 0 or later, and end at D or earlier. *)
Lemma row_off a m x : ~ (snd a * t - l₀ <= x < snd a * t - l₀ + l) -> row a m x = 0%R.
Proof. intro B. apply taps. lia. Qed.
Lemma whole_left p : b_l <= p -> 0 <= p * t - l₀.
Proof. intro B. pose proof (ceil l₀). unfold b_l in B. nia. Qed.
Lemma whole_right n p : p < n - b_r -> p * t - l₀ + l <= D n.
Proof. intro B. pose proof (ceil r₀). unfold b_r, D in *. nia. Qed.

Theorem matrix : Matrix.
Proof.
  intros n x i p Hl Hr P. unfold W, samples. apply sum_ext; intro m.
  rewrite (sum_range _ 0 (D n) (p * t) (p * t + l)).
  - rewrite (sum_shift _ (p * t) _ (p * t)). replace (p * t - p * t) with 0 by lia.
    replace (p * t + l - p * t) with l by lia. apply sum_ext; intro j. unfold row. simpl.
    f_equal; f_equal; lia.
  - lia.
  - nia.
  - unfold D. nia.
  - intros y _ N. rewrite row_off; [ring |]. simpl. lia.
Qed.
Theorem lags : Lags.
Proof.
  intros n i j p p' P P'. unfold gram, samples, c. apply sum_ext; intro m.
  pose proof (whole_left p' ltac:(lia)). pose proof (whole_right n p' ltac:(lia)).
  rewrite (sum_range _ 0 (D n) (p' * t - l₀) (p' * t - l₀ + l)); try lia.
  - rewrite (sum_shift _ (p' * t - l₀) _ (p' * t - l₀)).
    replace (p' * t - l₀ - (p' * t - l₀)) with 0 by lia.
    replace (p' * t - l₀ + l - (p' * t - l₀)) with l by lia. apply sum_ext; intro v.
    unfold row. simpl. f_equal; f_equal; lia.
  - intros x _ N. rewrite (row_off (j, p')); [ring | exact N].
Qed.
Lemma far p p' : q < Z.abs (p' - p) -> l <= Z.abs (p' - p) * t.
Proof. intro B. pose proof (ceil l). unfold q in B. nia. Qed.
Theorem lags_end : Lags_end.
Proof.
  intros i j d. split.
  - intro B. pose proof (far 0 d ltac:(lia)). unfold c. apply sum_none. intros m _.
    apply sum_none. intros v I. apply range_in in I. rewrite taps; [ring | nia].
  - unfold c. apply sum_ext; intro m.
    (* both are the sum over all x of w_i(x) w_j(x - d t) *)
    set (g := fun x => (w i m x * w j m (x - d * t))%R). set (B := l + Z.abs d * t).
    transitivity (sum (range (- B) (3 * B)) g).
    + rewrite (sum_range g (- B) (3 * B) 0 l); try (unfold B; nia).
      * replace (l - 0) with l by lia. apply sum_ext; intro v. unfold g.
        replace (v - d * t) with (v + - d * t) by lia. ring.
      * intros x _ N. unfold g. rewrite (taps i); [ring | lia].
    + rewrite (sum_range g (- B) (3 * B) (d * t) (d * t + l)); try (unfold B; nia).
      * rewrite (sum_shift _ (d * t) _ (d * t)). replace (d * t - d * t) with 0 by lia.
        replace (d * t + l - d * t) with l by lia. apply sum_ext; intro v. unfold g.
        now replace (v + d * t - d * t) with v by lia.
      * intros x _ N. unfold g. rewrite (taps j); [ring | lia].
Qed.

Lemma samples_sum n (L : list place) f :
  samples n (fun m x => sum L (fun a => f a m x)) = sum L (fun a => samples n (f a)).
Proof.
  unfold samples. transitivity (∑ m, sum L (fun a => sum (range 0 (D n)) (f a m))).
  - apply sum_ext; intro m. apply sum_swap.
  - apply sum_swap.
Qed.
Lemma sum_product (L : list place) f g :
  (sum L f * sum L g)%R = sum L (fun a => sum L (fun b => (f a * g b)%R)).
Proof.
  rewrite Rmult_comm, <- (sum_scale L (sum L g) f). apply sum_ext; intro a.
  now rewrite Rmult_comm, <- sum_scale.
Qed.
Theorem energy_of_code : Energy_of_code.
Proof.
  intros n L z.
  transitivity (samples n (fun m x => sum L (fun a => sum L (fun b =>
    (z a * row a m x * (z b * row b m x))%R)))).
  - apply sum_ext; intro m. apply sum_ext; intro x. simpl. rewrite Rmult_1_r.
    apply sum_product.
  - rewrite samples_sum. apply sum_ext; intro a. rewrite samples_sum. apply sum_ext; intro b.
    unfold gram, samples. rewrite <- sum_scale. apply sum_ext; intro m. rewrite <- sum_scale.
    apply sum_ext; intro x. ring.
Qed.

(* What the Gram matrix depends on. *)
Lemma gram_far n a b : q < Z.abs (snd b - snd a) -> gram n a b = 0%R.
Proof.
  intro B. pose proof (far _ _ B) as F. apply sum_none. intros m _. apply sum_none. intros x _.
  destruct (Z_le_gt_dec 0 (x - snd a * t + l₀)), (Z_lt_le_dec (x - snd a * t + l₀) l);
    try (rewrite (row_off a) by lia; ring).
  assert (l <= snd b * t - snd a * t \/ l <= snd a * t - snd b * t).
  { destruct (Z_le_gt_dec (snd a) (snd b)); [left | right].
    - rewrite Z.abs_eq in F by lia. lia.
    - rewrite Z.abs_neq in F by lia. lia. }
  rewrite (row_off b) by lia. ring.
Qed.
(* Away from the right end it does not depend on n. *)
Lemma gram_left n n' a b : n <= n' -> snd a < n - b_r -> gram n a b = gram n' a b.
Proof.
  intros N A. pose proof (whole_right n _ A). assert (D n <= D n') by (unfold D; nia).
  apply sum_ext; intro m. set (f := fun x => (row a m x * row b m x)%R).
  destruct (Z_le_gt_dec 0 (D n)) as [P | P].
  - symmetry. rewrite (sum_range f 0 (D n') 0 (D n)); try lia.
    + now replace (D n - 0) with (D n) by lia.
    + intros x B O. unfold f. rewrite (row_off a); [ring | lia].
  - transitivity 0%R; [| symmetry]; apply sum_none; intros x I; apply range_in in I; [lia |].
    unfold f. rewrite (row_off a); [ring | lia].
Qed.
(* Away from the left end it does not change when places and end move together. *)
Definition move d (a : place) : place := (fst a, snd a + d).
Lemma gram_right n d a b : 0 <= d -> b_l <= snd a ->
  gram (n + d) (move d a) (move d b) = gram n a b.
Proof.
  intros P A. pose proof (whole_left _ A). apply sum_ext; intro m.
  assert (R : forall e x, row (move d e) m (x + d * t) = row e m x).
  { intros e x. unfold row, move. simpl. f_equal. lia. }
  assert (E : D (n + d) = D n + d * t) by (unfold D; lia). rewrite E.
  destruct (Z_le_gt_dec 0 (D n)) as [Q | Q].
  - rewrite (sum_range _ 0 _ (d * t) (d * t + D n)); try nia.
    + rewrite (sum_shift _ (d * t) _ (d * t)). replace (d * t - d * t) with 0 by lia.
      replace (d * t + D n - d * t) with (D n) by lia. apply sum_ext; intro x. now rewrite !R.
    + intros x B O. replace x with (x - d * t + d * t) by lia.
      rewrite R, (row_off a); [ring | nia].
  - transitivity 0%R; [| symmetry]; apply sum_none; intros x I; apply range_in in I; [| lia].
    replace x with (x - d * t + d * t) by lia. rewrite R, (row_off a); [ring | nia].
Qed.

(* A list of places has a short span, or a gap of more than q positions. *)
Definition short (L : list place) := exists lo hi,
  (forall a, In a L -> lo <= snd a <= hi) /\ hi - lo <= (Z.of_nat (length L) - 1) * q.
Definition gapped (L : list place) := exists g,
  (exists a, In a L /\ snd a <= g) /\ (exists a, In a L /\ g < snd a) /\
  forall a, In a L -> snd a <= g \/ g + q < snd a.
Lemma q_pos : 0 <= q.
Proof. unfold q. pose proof (ceil l). assert (0 < (l + t - 1) / t) by nia. lia. Qed.
Lemma least (L : list place) : L <> [] -> exists a, In a L /\ forall b, In b L -> snd a <= snd b.
Proof.
  induction L as [| a L IH]; [easy | intros _]. destruct L as [| b L].
  - exists a. split; [now left | intros b [<- | []]; lia].
  - destruct IH as (m & I & B); [easy |]. destruct (Z_le_gt_dec (snd a) (snd m)).
    + exists a. split; [now left |]. intros x [<- | J]; [lia | specialize (B x J); lia].
    + exists m. split; [now right |]. intros x [<- | J]; [lia | auto].
Qed.
Lemma short_or_gapped m : forall L, length L = S m ->
  gapped L \/ exists lo hi, (forall a, In a L -> lo <= snd a <= hi) /\
    (exists a, In a L /\ snd a = lo) /\ hi - lo <= Z.of_nat m * q.
Proof.
  pose proof q_pos. induction m as [| m IH]; intros L E.
  - destruct L as [| a [| b L]]; try easy. right. exists (snd a), (snd a).
    split; [| split; [| lia]].
    + intros b [<- | []]. lia.
    + exists a. split; [now left | auto].
  - destruct (least L) as (a & I & B); [now destruct L |].
    destruct (in_split a L I) as (L1 & L2 & ->).
    assert (M : forall b, In b (L1 ++ a :: L2) <-> b = a \/ In b (L1 ++ L2)).
    { intro b. rewrite !in_app_iff. simpl. intuition. }
    assert (E' : length (L1 ++ L2) = S m) by (rewrite app_length in *; simpl in E; lia).
    destruct (IH _ E') as [(g & (b & Ib & Gb) & (d & Id & Gd) & G)
      | (lo & hi & R & (b & Ib & Gb) & Sp)].
    + left. exists g. split; [| split].
      * exists b. rewrite M. auto.
      * exists d. rewrite M. auto.
      * intros x Ix. apply M in Ix. destruct Ix as [-> | Ix]; [left | auto].
        specialize (B b ltac:(rewrite M; auto)). lia.
    + assert (Bl : snd a <= lo) by (specialize (B b ltac:(rewrite M; auto)); lia).
      destruct (Z_le_gt_dec (lo - snd a) q).
      * right. exists (snd a), hi. split; [| split].
        -- intros x Ix. specialize (B x Ix). apply M in Ix.
           pose proof (R b Ib). destruct Ix as [-> | Ix]; [lia | specialize (R x Ix); lia].
        -- exists a. rewrite M. auto.
        -- lia.
      * left. exists (snd a). split; [| split].
        -- exists a. rewrite M. split; [auto | lia].
        -- exists b. rewrite M. split; [auto | lia].
        -- intros x Ix. apply M in Ix. destruct Ix as [-> | Ix]; [lia |].
           specialize (R x Ix). lia.
Qed.

(* If every short support for n' has a copy for n, a bound for n is one for n'. *)
Lemma filter_sum (L : list place) (P : place -> bool) f :
  sum L f = (sum (filter P L) f + sum (filter (fun a => negb (P a)) L) f)%R.
Proof. induction L as [| a L IH]; simpl; [ring |]. destruct (P a); simpl; rewrite IH; ring. Qed.
Lemma filter_length_le (P : place -> bool) L : (length (filter P L) <= length L)%nat.
Proof. induction L as [| a L IH]; simpl; [lia |]. destruct (P a); simpl; lia. Qed.
Lemma fits_filter s k n L P : fits s k n L -> fits s k n (filter P L).
Proof.
  intros (N & B & R & C). split; [now apply NoDup_filter | split; [| split]].
  - pose proof (filter_length_le P L). lia.
  - intros a I. apply filter_In in I. now apply R.
  - intros i L' I. apply (C i). intros a J. destruct (I a J) as [K E]. apply filter_In in K.
    tauto.
Qed.
Lemma filter_shorter (L : list place) P a : In a L -> P a = false ->
  (length (filter P L) < length L)%nat.
Proof.
  intros I E. destruct (in_split a L I) as (L1 & L2 & ->). rewrite filter_app, !app_length.
  simpl. rewrite E. pose proof (filter_length_le P L1). pose proof (filter_length_le P L2). lia.
Qed.
Definition copies s k n n' := forall L lo hi, fits s k n' L ->
  (forall a, In a L -> lo <= snd a <= hi) -> hi - lo <= (s * k - 1) * q ->
  exists d, (forall a, In a L -> 0 <= snd a + d < n) /\
    forall a b, In a L -> In b L -> gram n' a b = gram n (move d a) (move d b).
Lemma sum_map {A B} (h : A -> B) (L : list A) f : sum (map h L) f = sum L (fun a => f (h a)).
Proof. induction L; simpl; congruence. Qed.
Lemma transfer s k n n' δ : copies s k n n' -> RIP s k n δ -> RIP s k n' δ.
Proof.
  intros Cp Rn L z. remember (length L) as m eqn:Em. revert L Em.
  induction m as [m IH] using lt_wf_ind. intros L -> F. destruct L as [| a0 L0]; [simpl; lra |].
  pose proof q_pos as Q.
  destruct (short_or_gapped (length L0) (a0 :: L0) eq_refl)
    as [(g & (b & Ib & Gb) & (d & Id & Gd) & G) | (lo & hi & R & _ & Sp)];
    set (L := a0 :: L0) in *; cbv zeta.
  - set (P := fun a : place => snd a <=? g).
    assert (F1 : (length (filter P L) < length L)%nat)
      by (apply (filter_shorter L P d Id); unfold P; lia).
    assert (F2 : (length (filter (fun a => negb (P a)) L) < length L)%nat)
      by (apply (filter_shorter L _ b Ib); unfold P; lia).
    pose proof (IH _ F1 _ eq_refl (fits_filter _ _ _ _ P F)) as B1.
    pose proof (IH _ F2 _ eq_refl (fits_filter _ _ _ _ (fun a => negb (P a)) F)) as B2.
    cbv zeta in B1, B2. rewrite (filter_sum L P (fun a => (z a * z a)%R)).
    assert (E : sum L (fun a => sum L (fun b => (z a * z b * gram n' a b)%R)) =
      (sum (filter P L) (fun a => sum (filter P L) (fun b => (z a * z b * gram n' a b)%R)) +
       sum (filter (fun a => negb (P a)) L) (fun a => sum (filter (fun a => negb (P a)) L) (fun b
         => (z a * z b * gram n' a b)%R)))%R).
    { rewrite (filter_sum L P). f_equal; apply sum_same; intros a Ia; apply filter_In in Ia;
        rewrite (filter_sum L P (fun b => (z a * z b * gram n' a b)%R)); destruct Ia as [Ia Pa].
      - rewrite (sum_none (filter (fun a => negb (P a)) L)); [ring |]. intros c' Ic.
        apply filter_In in Ic. destruct Ic as [Ic Pc]. rewrite gram_far; [ring |].
        unfold P in *. specialize (G c' Ic). lia.
      - rewrite (sum_none (filter P L)); [ring |]. intros c' Ic.
        apply filter_In in Ic. destruct Ic as [Ic Pc]. rewrite gram_far; [ring |].
        unfold P in *. specialize (G a Ia). lia. }
    rewrite E. lra.
  - assert (Sk : hi - lo <= (s * k - 1) * q).
    { destruct F as (_ & B & _). unfold L in B. simpl length in B. nia. }
    destruct (Cp L lo hi F R Sk) as (d & In' & Gr).
    assert (Mv : forall a, move (- d) (move d a) = a).
    { intros [i p]. unfold move. simpl. f_equal. lia. }
    assert (F' : fits s k n (map (move d) L)).
    { destruct F as (N & B & R' & C). split; [| split; [| split]].
      - apply FinFun.Injective_map_NoDup; auto. intros a b E. now rewrite <- (Mv a), E, Mv.
      - now rewrite map_length.
      - intros a I. apply in_map_iff in I. destruct I as (b & <- & Ib). now apply In'.
      - intros i L' I N'. rewrite <- (map_length (move (- d))). apply (C i).
        + intros a I'. apply in_map_iff in I'. destruct I' as (b & <- & Ib).
          destruct (I b Ib) as [J Fi]. apply in_map_iff in J. destruct J as (e & <- & Ie).
          rewrite Mv. now split.
        + apply FinFun.Injective_map_NoDup; auto. intros [i1 p1] [i2 p2] E.
          unfold move in E. simpl in E. injection E as -> E. f_equal. lia. }
    pose proof (Rn _ (fun a => z (move (- d) a)) F') as B. cbv zeta in B.
    rewrite !sum_map in B.
    assert (E1 : sum L (fun a => (z (move (- d) (move d a)) * z (move (- d) (move d a)))%R) =
      sum L (fun a => (z a * z a)%R)) by (apply sum_ext; intro a; now rewrite Mv).
    assert (E2 : sum L (fun a => sum (map (move d) L)
        (fun b => (z (move (- d) (move d a)) * z (move (- d) b) * gram n (move d a) b)%R)) =
      sum L (fun a => sum L (fun b => (z a * z b * gram n' a b)%R))).
    { apply sum_same. intros a Ia. rewrite sum_map. apply sum_same. intros b Ib.
      now rewrite !Mv, Gr. }
    rewrite E1, E2 in B. exact B.
Qed.
Lemma edges : 0 <= b_l /\ 0 <= b_r.
Proof. unfold b_l, b_r. split; apply Z.div_pos; lia. Qed.
Lemma move_0 a : move 0 a = a.
Proof. destruct a. unfold move. simpl. f_equal. lia. Qed.
Theorem length_independence : Length_independence.
Proof.
  intros s k n n' δ Hs Hk N Hn Hn'. pose proof edges as [Bl Br].
  split; apply transfer; intros L lo hi (_ & _ & R & _) Sp Short.
  - destruct (Z_lt_le_dec hi (n - b_r)) as [C | C].
    + exists 0. split.
      * intros a Ia. specialize (R a Ia). specialize (Sp a Ia). lia.
      * intros a b Ia Ib. rewrite !move_0. symmetry. apply gram_left; auto.
        specialize (Sp a Ia). lia.
    + set (d := Z.min (n' - n) (lo - b_l)). exists (- d).
      assert (b_l <= lo) by (unfold N in *; lia).
      assert (E : forall a b, In a L -> In b L ->
        gram (n' - d) (move (- d) a) (move (- d) b) = gram n' a b).
      { intros a b Ia Ib. rewrite <- (gram_right (n' - d) d).
        - replace (n' - d + d) with n' by lia. destruct a as [i p], b as [j p'].
          unfold move. simpl. do 2 f_equal; lia.
        - unfold d. lia.
        - specialize (Sp a Ia). unfold move, d. simpl. lia. }
      split.
      * intros a Ia. specialize (R a Ia). specialize (Sp a Ia). unfold d, N in *. lia.
      * intros a b Ia Ib. rewrite <- E by auto. symmetry.
        destruct (Z_le_gt_dec (n' - n) (lo - b_l)).
        -- replace (n' - d) with n by (unfold d; lia). reflexivity.
        -- apply gram_left; [unfold d; lia |]. specialize (Sp a Ia). unfold move, d, N in *.
           simpl. lia.
  - destruct (Z_lt_le_dec hi (n - b_r)) as [C | C].
    + exists 0. split.
      * intros a Ia. specialize (R a Ia). lia.
      * intros a b Ia Ib. rewrite !move_0. apply gram_left; auto. specialize (Sp a Ia). lia.
    + exists (n' - n). split.
      * intros a Ia. specialize (R a Ia). lia.
      * intros a b Ia Ib. rewrite <- (gram_right n (n' - n)).
        -- f_equal. lia.
        -- lia.
        -- specialize (Sp a Ia). unfold N in *. lia.
Qed.
Theorem length_without_padding : Length_without_padding.
Proof.
  intros s k n δ Hs Hk Hn L0 R0.
  assert (B0 : b_l = 0 /\ b_r = 0).
  { unfold b_l, b_r. rewrite L0, R0. rewrite Z.div_small by lia. auto. }
  destruct (Z_le_gt_dec n ((s * k - 1) * q + 1)) as [C | C].
  - rewrite Z.min_l by lia. reflexivity.
  - rewrite Z.min_r by lia. symmetry. apply length_independence; auto; lia.
Qed.
End Convolution.
