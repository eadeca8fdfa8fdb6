// Package block is the columnar batch of events that travels from the machine that reads a log,
// through the broker, into the store. One block is one message and one insert.
//
// A message is a header (what the events were made from, see [throng.BlockHeader]) followed by one
// block in ClickHouse's Native format at revision 0, which a store takes as it is. It carries its
// format version, a fingerprint of the schema and a checksum, so that a reader of another version,
// or a damaged message, is told apart from data before anything is inserted.
//
// The package holds no identifier beyond what an [throng.Event] has, and does no input or output.
// It does not compress; brokers do that.
package block

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Version is the version of the message format.
const Version = 1

// MaxRows is the number of events at which a block should be cut. Dictionaries are bounded by it:
// they never hold more values than a block has rows.
const MaxRows = 262_144

// Kind tells what a message is.
type Kind uint8

// The kinds of message.
const (
	// KindEvents is a block of events; it can be empty and then only carries its header.
	KindEvents Kind = iota + 1
	// KindClosing marks that all blocks of a day that follow it in its partition are late.
	KindClosing
)

// Column is a column of the Native block.
type Column struct{ Name, Type string }

// Columns is the schema in which blocks are made, in order. Tables into which blocks are inserted have
// exactly these columns.
func Columns() []Column { return slices.Clone(schema) }

const text = "LowCardinality(String)"

var schema = []Column{
	{"time", "DateTime('UTC')"},
	{"site", text},
	{"path", text},
	{"method", text},
	{"status", "UInt16"},
	{"bytes", "UInt64"},
	{"referrer", text},
	{"client", text},
	{"client_major", "UInt16"},
	{"os", text},
	{"country", text},
	{"network", "IPv6"},
	{"bot", text},
	{"opted_out", "Bool"},
	{"signal", text},
	{"visit", "Bool"},
	{"unit", "UInt64"},
	{"cell", "UInt64"},
	// The first visit of its cell in this block: the store takes the cell's text from these rows, and needs
	// not group all of them. Blocks without this column are still read: see [Parse].
	{"new_cell", "Bool"},
}

// fingerprint is that of the schema in which blocks are made, fingerprintBefore that of the one before,
// which had all columns but the last.
var (
	fingerprint       = fingerprintOf(schema)
	fingerprintBefore = fingerprintOf(schema[:len(schema)-1])
)

// fingerprintOf is the first 64 bits of SHA-256 over the names and types.
func fingerprintOf(columns []Column) uint64 {
	h := sha256.New()
	for _, c := range columns {
		h.Write([]byte(c.Name + " " + c.Type + "\n"))
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}
