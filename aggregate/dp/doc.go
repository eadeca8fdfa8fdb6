// Package dp draws the random numbers of a release. It is the only importer of Google's
// differential-privacy library and lets nothing of it through: callers get published measures.
//
// It guarantees that
//   - every draw is Gaussian, through integers, with a scale that [Calibrate] fixed for the whole of
//     a device's contribution to a period (method section 6);
//   - a gate draws at most once, and that one draw is both the decision and the published count;
//   - a measure holds a number or a reason, and the reason says nothing beyond the decision;
//   - intervals come from the scale alone, never from the library's state after a negative decision.
//
// It does not bound contributions, and it does not know the ledger: who calls it has done the one
// and written the other. It keeps no state that could be drawn from twice.
package dp
