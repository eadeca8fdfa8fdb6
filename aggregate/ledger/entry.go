package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"throng"
)

// Format names the form of the ledger file.
const Format = "throng/ledger/2"

// EntryBytes is the size of an entry in the file: one JSON object, padded with spaces, and a newline.
const EntryBytes = 2048

// Kind tells what an entry records.
type Kind string

// The kinds of entry.
const (
	Genesis     Kind = "genesis"     // the first entry of every ledger
	Reservation Kind = "reservation" // budget was set aside for a release, before its first draw
	Publication Kind = "publication" // a release file exists and has this SHA-256
	Sum         Kind = "sum"         // a month was summed from published releases; it costs nothing
)

// Entry is one line of the ledger.
type Entry struct {
	// Seq counts from 0.
	Seq int64 `json:"seq"`
	// Prev is the Hash of the entry before; empty in the first.
	Prev string `json:"prev"`
	Kind Kind   `json:"kind"`
	// Format and Ledger are set in the genesis entry: [Format], and a random name that tells this
	// ledger from every other.
	Format string `json:"format,omitempty"`
	Ledger string `json:"ledger,omitempty"`
	// Release is the release that is reserved, published or summed.
	Release *throng.ReleaseID `json:"release,omitempty"`
	// Tree and Parameters are those of the reservation. All reservations of a site and period together
	// cost their Epsilon and Delta; this one takes the weights of its Draws, drawn or not.
	Tree       int                `json:"tree,omitempty"`
	Parameters *throng.Parameters `json:"parameters,omitempty"`
	// SHA256 is that of the published release file, in hexadecimal.
	SHA256 string `json:"sha256,omitempty"`
	// Hash is the SHA-256, in hexadecimal, of the entry's line up to the comma before "hash".
	Hash string `json:"-"`
}

// The line is BODY,"hash":"HEX"} and spaces and a newline, where BODY, with its closing brace put
// back, is the entry in JSON.
const (
	hashKey    = `,"hash":"`
	hashDigits = 2 * sha256.Size
)

// encode gives the line of an entry and fills in its hash.
func (e *Entry) encode() ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	body = body[:len(body)-1]
	e.Hash = hashOf(body)
	line := append(body, hashKey+e.Hash+`"}`...)
	if len(line) > EntryBytes-1 {
		return nil, fmt.Errorf("encode entry: %d bytes do not fit in %d", len(line), EntryBytes-1)
	}
	line = append(line, bytes.Repeat([]byte{' '}, EntryBytes-1-len(line))...)
	return append(line, '\n'), nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// decode reads one line. Every byte counts: padding and framing are compared, the rest is hashed.
func decode(line []byte) (Entry, error) {
	if len(line) != EntryBytes || line[EntryBytes-1] != '\n' {
		return Entry{}, fmt.Errorf("not a line of %d bytes", EntryBytes)
	}
	at := bytes.LastIndex(line, []byte(hashKey))
	end := at + len(hashKey) + hashDigits + len(`"}`)
	if at < 0 || end >= EntryBytes {
		return Entry{}, errors.New("no hash at its end")
	}
	body := line[:at]
	hash := hashOf(body)
	if string(line[at:end]) != hashKey+hash+`"}` {
		return Entry{}, errors.New("its hash does not match its content")
	}
	if len(bytes.Trim(line[end:EntryBytes-1], " ")) != 0 {
		return Entry{}, errors.New("its padding is not blank")
	}
	dec := json.NewDecoder(bytes.NewReader(append(bytes.Clone(body), '}')))
	dec.DisallowUnknownFields()
	var e Entry
	if err := dec.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("not an entry of this version: %w", err)
	}
	e.Hash = hash
	return e, nil
}
