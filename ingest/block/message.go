package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"throng"
)

// A message, all numbers little-endian:
//
//	magic        4  "THRB"
//	version      1
//	kind         1
//	feed         2  length of the feed's name
//	native       4  length of the Native block
//	fingerprint  8  of the schema
//	source      16
//	start, end   8+8
//	day          4  days since 1 January 1970
//	rows         4
//	rejected     4
//	late         4
//	watermark    8  milliseconds since the Unix epoch; the least value is unknown
//	feed, native
//	checksum     4  CRC-32C of all that precedes it
const (
	magic       = "THRB"
	fixedBytes  = 4 + 1 + 1 + 2 + 4 + 8 + 16 + 8 + 8 + 4 + 4 + 4 + 4 + 8
	checkBytes  = 4
	noWatermark = math.MinInt64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Closing appends the message that marks day as closed to dst.
func Closing(dst []byte, day throng.Day) []byte {
	h := throng.BlockHeader{BlockID: throng.BlockID{Day: day}}
	start := len(dst)
	return seal(putHeader(dst, KindClosing, &h), start)
}

// putHeader appends all that precedes the Native block, whose length is still zero.
func putHeader(dst []byte, kind Kind, h *throng.BlockHeader) []byte {
	le := binary.LittleEndian
	dst = append(dst, magic...)
	dst = append(dst, Version, byte(kind))
	dst = le.AppendUint16(dst, uint16(len(h.Feed)))
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, fingerprint)
	dst = append(dst, h.Source[:]...)
	dst = le.AppendUint64(dst, h.Start)
	dst = le.AppendUint64(dst, h.End)
	dst = le.AppendUint32(dst, uint32(h.Day))
	dst = le.AppendUint32(dst, h.Rows)
	dst = le.AppendUint32(dst, h.Rejected)
	dst = le.AppendUint32(dst, h.Late)
	mark := int64(noWatermark)
	if !h.Watermark.IsZero() {
		mark = h.Watermark.UnixMilli()
	}
	dst = le.AppendUint64(dst, uint64(mark))
	return append(dst, h.Feed...)
}

// seal fills in the length of the Native block of the message that begins at start, and appends the
// checksum.
func seal(dst []byte, start int) []byte {
	le := binary.LittleEndian
	msg := dst[start:]
	native := len(msg) - fixedBytes - int(le.Uint16(msg[6:]))
	le.PutUint32(msg[8:], uint32(native))
	return le.AppendUint32(dst, crc32.Checksum(msg, castagnoli))
}

// Parse reads a message. The slice native, and nothing else, aliases msg; it is empty for a closing
// marker and for a block without rows. An error means that the message must not be inserted: it was
// cut short, damaged, made by another version or for another schema. Parse checks the checksum and
// does not decode the Native block.
//
// A block that was made before the schema had its last column is read too, so that what waits in a
// broker when the program is renewed is not lost: native then has all columns but that one.
func Parse(msg []byte) (kind Kind, h throng.BlockHeader, native []byte, err error) {
	fail := func(err error) (Kind, throng.BlockHeader, []byte, error) {
		return 0, throng.BlockHeader{}, nil, fmt.Errorf("parse block: %w", err)
	}
	if err := checkEnvelope(msg); err != nil {
		return fail(err)
	}
	kind, h, native = readBody(msg[:len(msg)-checkBytes])
	switch {
	case kind == KindClosing && (h.Rows != 0 || len(native) != 0):
		return fail(errors.New("a closing marker holds rows"))
	case kind == KindEvents && (h.Rows == 0) != (len(native) == 0):
		return fail(errors.New("rows and data do not agree"))
	case kind == KindEvents && h.Start > h.End:
		return fail(errors.New("the range ends before it starts"))
	case kind != KindClosing && kind != KindEvents:
		return fail(fmt.Errorf("unknown kind %d", kind))
	}
	return kind, h, native, nil
}

// checkEnvelope checks what can be checked before the header is read.
func checkEnvelope(msg []byte) error {
	le := binary.LittleEndian
	switch {
	case len(msg) < len(magic) || string(msg[:len(magic)]) != magic:
		return errors.New("not a block")
	case len(msg) > len(magic) && msg[4] != Version:
		return fmt.Errorf("format version %d, this program reads %d", msg[4], Version)
	case len(msg) < fixedBytes+checkBytes:
		return fmt.Errorf("cut short at %d bytes", len(msg))
	case le.Uint64(msg[12:]) != fingerprint && le.Uint64(msg[12:]) != fingerprintBefore:
		return errors.New("made for another schema")
	}
	want := fixedBytes + int(le.Uint16(msg[6:])) + int(le.Uint32(msg[8:])) + checkBytes
	if len(msg) != want {
		return fmt.Errorf("%d bytes, its header says %d", len(msg), want)
	}
	body := msg[:len(msg)-checkBytes]
	if crc32.Checksum(body, castagnoli) != le.Uint32(msg[len(body):]) {
		return errors.New("wrong checksum")
	}
	return nil
}

func readBody(msg []byte) (kind Kind, h throng.BlockHeader, native []byte) {
	le := binary.LittleEndian
	kind = Kind(msg[5])
	feed := msg[fixedBytes : fixedBytes+int(le.Uint16(msg[6:]))]
	copy(h.Source[:], msg[20:])
	h.Start, h.End = le.Uint64(msg[36:]), le.Uint64(msg[44:])
	h.Day = throng.Day(int32(le.Uint32(msg[52:])))
	h.Rows, h.Rejected, h.Late = le.Uint32(msg[56:]), le.Uint32(msg[60:]), le.Uint32(msg[64:])
	if ms := int64(le.Uint64(msg[68:])); ms != noWatermark {
		h.Watermark = time.UnixMilli(ms).UTC()
	}
	h.Feed = string(feed)
	return kind, h, msg[fixedBytes+len(feed):]
}
