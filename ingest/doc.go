// Package ingest takes log lines to the store: ship reads sources, anonymizes each line in memory and
// sends blocks of events to the broker; load takes blocks from the broker into the store.
//
// # What it guarantees
//
// Every line of a file, compressed or not, is counted exactly once, whichever process is killed whenever. A
// range of bytes of a source becomes a block whose identity ([throng.BlockID]) is on disk before the block
// is sent; after a crash the same range makes the same identity, and the store counts an identity once.
// Load commits a message after the store has acknowledged it. The same holds for a topic of raw lines,
// where the identity is committed with the offset, and for what is delivered under a key
// ([Inbox.Deliver]), if whoever delivers repeats what was not acknowledged.
//
// Nothing raw leaves the process: a line lives in a chunk of memory until its events are encoded. A
// line that cannot be read is quarantined as (source, position, reason), never as text.
//
// # What it does not
//
// Standard input and what is received (syslog, requests without a key) cannot be read again: what was read
// and not acknowledged is lost by a crash. What was received is in memory alone, within bounds.
// A log that copytruncate rotates loses the lines written between its copy and its truncation; that
// happens in the rotating program and cannot be seen here.
package ingest
