package optout

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dchest/siphash"

	"throng/internal/durable"
)

const (
	keyMagic = "throng-optout-key/1 "
	keyBytes = 32
)

// Key is the secret under which identifiers are hashed. Without it, nobody can tell whether a guessed
// identifier is on a list.
type Key struct {
	id    uint64 // names the key in lists that were made under it
	kinds [kinds]sipKey
}

type sipKey struct{ k0, k1 uint64 }

// CreateKey draws a key and writes it to a new file, with mode 0600. Where the file exists, the error
// matches [io/fs.ErrExist].
func CreateKey(path string) (*Key, error) {
	var secret [keyBytes]byte
	rand.Read(secret[:]) // never fails: it ends the program where the system has no randomness
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("create opt-out key: %w", err)
	}
	if err := durable.WriteOnce(path, append(hex.AppendEncode([]byte(keyMagic), secret[:]), '\n')); err != nil {
		return nil, fmt.Errorf("create opt-out key: %w", err)
	}
	return newKey(secret[:]), nil
}

// ReadKey reads a key's file, which nobody but its owner may be able to read. Where there is none, the
// error matches [io/fs.ErrNotExist].
func ReadKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read opt-out key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read opt-out key: others may read %s: chmod 600 it", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read opt-out key: %w", err)
	}
	digits, ok := bytes.CutPrefix(b, []byte(keyMagic))
	secret := make([]byte, keyBytes)
	if n, err := hex.Decode(secret, bytes.TrimSpace(digits[:min(len(digits), 2*keyBytes+1)])); !ok || err != nil || n != keyBytes {
		return nil, fmt.Errorf("read opt-out key: %s is no key, or not a whole one; copy it again from the machine that made the list", path)
	}
	return newKey(secret), nil
}

func newKey(secret []byte) *Key {
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte("throng/optout/" + label))
		return h.Sum(nil)
	}
	k := &Key{id: binary.BigEndian.Uint64(derive("id"))}
	for kind, name := range kindNames {
		b := derive(name)
		k.kinds[kind] = sipKey{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	}
	return k
}

// ID names the key; it tells nothing about it.
func (k *Key) ID() string { return fmt.Sprintf("%016x", k.id) }

// String is the same as ID.
func (k *Key) String() string { return "opt-out key " + k.ID() }

// GoString is the same as String.
func (k *Key) GoString() string { return k.String() }

// entry is what a list holds of an identifier: 63 bits of its SipHash-2-4 under the key of its kind, and
// the kind as the lowest bit. It is never 0.
func (k *Key) entry(kind Kind, identifier []byte) uint64 {
	key := &k.kinds[kind]
	return max(siphash.Hash(key.k0, key.k1, identifier)&^1, 2) | uint64(kind)
}

// Kind is what an identifier identifies.
type Kind uint8

// The kinds of identifier. An account and a cookie of one spelling are two entries.
const (
	Account Kind = iota // the account of HTTP authentication
	Cookie              // the value of the configured cookie
	kinds
)

var kindNames = [kinds]string{"account", "cookie"}

// String is the kind's name in lower case.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "invalid"
}

// ParseKind reads a kind's name.
func ParseKind(name string) (Kind, error) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), nil
		}
	}
	return 0, errors.New("no kind of identifier has that name; there are account and cookie")
}
