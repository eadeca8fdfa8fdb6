// Package verify checks what was published from the published files alone: releases, manifest,
// privacy ledger and method. It is the reader's program, not the operator's: it shares no code with
// what wrote the files but the types of their format, and works every number out anew.
//
// It proves that
//   - the files are those that manifest and ledger name, and none is missing or added;
//   - the ledger is one unbroken chain, in which every release was paid for before it was published,
//     once, within the ceilings of ε and δ;
//   - the noise scales, the gate and the shares of δ follow from ε, δ, k and the bounds that each
//     release states, and all draws of a device and period together stay in its budget;
//   - every published number has the interval that its scale gives, is at or above the gate where a
//     gate applies, and no two rows of a table overlap;
//   - the stated composition over days, spans and months is what the parameters add up to.
//
// It cannot prove that the counts are true, that contributions were bounded before the noise, that
// noise was drawn and from which source, that nothing else was published elsewhere, or that the end
// of the ledger was not cut off: see [Unprovable]. For the last, pass a hash that was noted earlier.
package verify
