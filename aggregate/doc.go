// Package aggregate closes days, spans and months.
//
// A day: it waits until all of the day's events are in the store, bounds what each device contributes,
// builds the partition, reserves the budget, draws, folds what no row holds by itself into the day's span,
// writes each site's release once, and then drops the day's unit tokens. A span: the same on what its
// days have folded, with the device over the whole span as unit. A month: sums of published numbers.
//
// It guarantees that
//   - a device counts in at most L0 leaf keys of a site's day, with at most Linf visits in each
//     published cell, groups included, before any noise is added (method section 4);
//   - published rows are disjoint, each has passed its own gate, and the devices of a group are the
//     union of those of its members, recounted, never a sum (section 5);
//   - budget is reserved durably before the first draw, and what was written is never drawn again:
//     after a crash at any point the same release is finished, or drawn again under the same
//     reservation when nobody can have seen it (section 6);
//   - the opted-out column's numbers are disjoint, and both those who opted out and the others have passed a
//     gate, the latter in rows alone that can hold visits of both;
//   - no table of a site differs from another one in total by certainly somebody and certainly fewer than k,
//     on a day, over a run of days, or with what spans have added (section 5, rule 7);
//   - of one network at most 64 devices help a cell to pass;
//   - a span's row is contained in the group it names as its holder, and the devices of what remains in
//     that group have passed a gate; a month's rows are disjoint and sum to those of its days and spans;
//   - neither its errors nor its logs tell a count, a key, or how many rows were suppressed.
//
// It does not decide what a visit or a path is; package anonymize did, before the event was stored. A day
// that could not be closed within 48 hours of its end is lost, because its unit tokens may not be kept
// any longer: it has no release, and the month says so.
package aggregate
