// Package wellknown says to visitors and to their browsers how a site treats their signals: EFF's Do Not
// Track policy, the tracking status of the W3C Tracking Preference Expression, and Global Privacy
// Control. It serves these three and checks how a site serves them.
//
// It guarantees that
//   - a policy text is served only where it is, byte for byte, one that EFF has accepted;
//   - a tracking status is served only where it is one that the specification allows at that place;
//   - no answer sets a cookie, and nothing of a request is kept.
//
// It does not make a claim true: what it serves is what the operator says.
//
// The specification is "Tracking Preference Expression (DNT)" (W3C, candidate recommendation of 2017, note of
// 2019); sections are its.
package wellknown
