// Package ledger keeps the privacy ledger: an append-only, hash-chained file with one writer, outside
// every database, that says what was spent before it is spent.
//
// It guarantees that
//   - a reservation is on the device before [Ledger.Reserve] returns, and is never taken back;
//   - what the reservations of one site and period cost stays under the ceilings of ε and δ, and no
//     release is reserved twice: an overdraft is an error and writes nothing;
//   - a flipped byte, a cut, a second branch or a missing file is found when the ledger is opened;
//     the error says what is wrong and what to do, and no new ledger is started in its place;
//   - an entry has one size and holds no count, so that the file's length says how many releases were
//     reserved and published, which is public, and nothing else.
//
// It does not protect against someone who can rewrite the ledger, its head and all releases
// together: for that the published copies have to be compared by others. An entry holds no time,
// since the time between reservation and publication would tell how much was drawn.
//
// A ledger is a directory:
//
//	lock            held by the one writer
//	ledger.jsonl    the entries, [EntryBytes] each; this file is published
//	head            number and hash of the last entry, replaced after each append
//	reservations/   sampling keys and staged releases of open reservations
package ledger
