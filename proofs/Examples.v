(* What cannot be had: two counterexamples, and two examples that attain the bounds. Places and
   coordinates are 0 and 1. *)
Require Import Layer Reconstruction.
#[export] Instance two : Finite bool := [false; true].
Ltac calc := unfold dot, all, two, sub, add, scale, on, union, W, Wᵀ; simpl.

#[export] Instance single : Finite unit := [tt].
(* At most one of two places: the model with K = 1 or n = 1, and k = 1. *)
Definition at_most_one (T : bool -> bool) := T false && T true = false.

(* Example "Nothing comes back, or too little" (a): one filter (1, 0), x = (0, 1): δ is 0. *)
Definition X_not_of_the_model :=
  let w := fun (_ : unit) (c : bool) => if c then 0 else 1 in
  let x := fun c : bool => if c then 1 else 0 in
  RIP w (fun _ => True) 2 0 /\ forall T, ‖Wᵀ w (W w x ↾ T) ⊖ x‖² = ‖x‖².

(* Lemma "Pooling a perturbed code": no smaller constant will do. A tie: u = (φ, φ), z = (0, φ²).
   *)
Definition Golden_attained :=
  exists (u z : bool -> R) S Ŝ,
  off S z /\ at_most_one S /\ pools at_most_one u Ŝ /\
  ‖u ↾ Ŝ ⊖ z‖² = φ^2 * ‖(u ⊖ z) ↾ (S ∪ Ŝ)‖² /\ 0 < ‖(u ⊖ z) ↾ (S ∪ Ŝ)‖².

(* Theorem "Energy": for k = 1 it is attained. Two filters: |w_0|² = 1 + δ, |w_1|² = <w_0, w_1> =
   1 - δ, x = w_1; the tie keeps w_0. *)
Definition Energy_attained :=
  forall δ, 0 < δ < 1 -> exists (w : bool -> bool -> R) z S Ŝ,
  RIP w at_most_one 1 δ /\ at_most_one S /\ off S z /\
  let x := Wᵀ w z in pools at_most_one (W w x) Ŝ /\
  ‖Wᵀ w (W w x ↾ Ŝ) ⊖ x‖² = (2 * δ - δ^2) * ‖x‖² /\ 0 < ‖x‖².

(* Proposition "Fixed switches": δ is 0, pooling keeps the right value, and puts it back at the
   other place of its block: the relative error is the root of 2. *)
Definition Fixed_switches :=
  let w := fun p c : bool => if Bool.eqb p c then 1 else 0 in
  RIP w (fun _ => True) 2 0 /\
  exists z S Ŝ, at_most_one S /\ off S z /\
    let x := Wᵀ w z in pools at_most_one (W w x) Ŝ /\
    let moved := fun p => (W w x ↾ Ŝ) (negb p) in
    ‖Wᵀ w moved ⊖ x‖² = 2 * ‖x‖² /\ 0 < ‖x‖².

(* Proofs. *)

Example x_not_of_the_model : X_not_of_the_model.
Proof.
  unfold X_not_of_the_model. split.
  - intros z _. unfold dot, all, two, single, Wᵀ; simpl. nra.
  - intro T. unfold dot, all, two, single, sub, on, W, Wᵀ; simpl.
    unfold dot, all, two; simpl. destruct (T tt); ring.
Qed.

Example golden_attained : Golden_attained.
Proof.
  destruct (Λ_spec 1 ltac:(lra)) as [L Q]. fold φ in L, Q.
  exists (fun _ => φ), (fun p : bool => if p then φ^2 else 0), (fun p => p), negb.
  repeat split.
  - unfold off, on. extensionality p. now destruct p.
  - intros S. unfold at_most_one, dot, all, two, on; simpl.
    destruct (S false), (S true); simpl; intro; try discriminate; nra.
  - calc. replace (φ * (φ * 1)) with (φ + 1) by lra.
    replace (φ * φ) with (φ + 1) by lra. nra.
  - calc. replace (φ * (φ * 1)) with (φ + 1) by lra. nra.
Qed.

Example energy_attained : Energy_attained.
Proof.
  intros δ D. set (a := sqrt (1 + δ)). assert (A : a * a = 1 + δ) by (apply sqrt_sqrt; lra).
  assert (A0 : 0 < a) by (apply sqrt_lt_R0; lra).
  set (f := (1 - δ) / a). assert (F : a * f = 1 - δ) by (unfold f; field; lra).
  assert (F2 : f * f <= 1 - δ) by (assert (f * f * (1 + δ) = (1 - δ) * (1 - δ))
    by (rewrite <- A, <- F; ring); nra).
  set (g := sqrt (1 - δ - f * f)). assert (G : g * g = 1 - δ - f * f) by (apply sqrt_sqrt; lra).
  exists (fun p c : bool => if p then (if c then g else f) else if c then 0 else a),
    (fun p : bool => if p then 1 else 0), (fun p => p), negb.
  clearbody a f g. repeat split.
  - revert H. intros (S & y & b & HS & Y & -> & ->).
    apply (f_equal (fun h => (h false, h true))) in Y. unfold at_most_one, on in *.
    injection Y as Y0 Y1. unfold dot, all, two, add, Wᵀ; simpl.
    destruct (S false), (S true); simpl in *; try discriminate; rewrite <- ?Y0, <- ?Y1; nra.
  - revert H. intros (S & y & b & HS & Y & -> & ->).
    apply (f_equal (fun h => (h false, h true))) in Y. unfold at_most_one, on in *.
    injection Y as Y0 Y1. unfold dot, all, two, add, Wᵀ; simpl.
    destruct (S false), (S true); simpl in *; try discriminate; rewrite <- ?Y0, <- ?Y1; nra.
  - unfold off, on. extensionality p. now destruct p.
  - intros S. unfold at_most_one, dot, all, two, on, W, Wᵀ; simpl. unfold dot, all, two; simpl.
    destruct (S false), (S true); simpl; intro; try discriminate; nra.
  - unfold dot, all, two, sub, on, W, Wᵀ; simpl. unfold dot, all, two; simpl.
    replace (a * (0 * a + (1 * f + 0)) + (0 * (0 * 0 + (1 * g + 0)) + 0)) with (1 - δ) by lra.
    nra.
  - unfold dot, all, two, Wᵀ; simpl. nra.
Qed.

Example fixed_switches : Fixed_switches.
Proof.
  unfold Fixed_switches. split; [intros z _; unfold dot, all, two, Wᵀ; simpl; nra |].
  exists (fun p : bool => if p then 1 else 0), (fun p => p), (fun p => p). repeat split.
  - unfold off, on. extensionality p. now destruct p.
  - intros S. unfold at_most_one, dot, all, two, on, W, Wᵀ; simpl. unfold dot, all, two; simpl.
    destruct (S false), (S true); simpl; intro; try discriminate; lra.
  - unfold dot, all, two, sub, on, W, Wᵀ; simpl. unfold dot, all, two; simpl. lra.
  - unfold dot, all, two, Wᵀ; simpl. lra.
Qed.
