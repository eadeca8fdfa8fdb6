// Package optout is the opt-out list: the accounts and cookies of people who asked by name not to have
// their data sold or shared (method section 1).
//
// It guarantees: a list, in memory and in its file, holds of an identifier a keyed 63-bit hash and its
// kind, nothing else, in an order that tells nothing; without the key, which lies in a file of its own,
// nobody can test a guess. A file that is damaged, cut short or made under another key is refused, and a
// running process then keeps the list that it has. Looking up allocates nothing and takes no lock; a
// million entries are 16 MiB.
//
// It does not hide how many are on the list, and whoever has both files can test a guessed identifier:
// they belong on the machines that read logs, and nowhere else. Two identifiers share an entry with a
// probability of 2^-63 times the list's length; then one person more is opted out. Identifiers are
// compared byte by byte: no case is folded.
package optout

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// List is an opt-out list. It never changes; Add and Remove make another one. Any number of goroutines
// may use it.
type List struct {
	key *Key
	n   int
	// table is an open-addressed set of the entries, at most half full, so that nearly every look-up reads
	// one line of the processor's cache. 0 is a free place. An entry's place is its first bits, as many as
	// the table has, or the next free one.
	table []uint64
	shift uint
}

// maxEntries bounds the memory that a file can ask for.
const maxEntries = 1 << 25

// New is a list of nobody.
func New(key *Key) *List { return newList(key, 0) }

// newList has room for n entries.
func newList(key *Key, n int) *List {
	width := bits.Len(uint(2 * n))
	return &List{key: key, table: make([]uint64, 1<<width), shift: uint(64 - width)}
}

// listOf is the list of these entries, each of which is there once.
func listOf(key *Key, entries []uint64) *List {
	l := newList(key, len(entries))
	for _, e := range entries {
		l.insert(e)
	}
	return l
}

func (l *List) insert(entry uint64) {
	at := entry >> l.shift
	for l.table[at] != 0 {
		at = (at + 1) & uint64(len(l.table)-1)
	}
	l.table[at] = entry
	l.n++
}

// entries are those of the list, ascending.
func (l *List) entries() []uint64 {
	all := make([]uint64, 0, l.n)
	for _, e := range l.table {
		if e != 0 {
			all = append(all, e)
		}
	}
	slices.Sort(all)
	return all
}

// Key is the key under which the list was made.
func (l *List) Key() *Key { return l.key }

// Has tells whether an identifier is on the list.
func (l *List) Has(kind Kind, identifier []byte) bool {
	if l.n == 0 {
		return false
	}
	entry := l.key.entry(kind, identifier)
	for at := entry >> l.shift; ; at = (at + 1) & uint64(len(l.table)-1) {
		switch l.table[at] {
		case entry:
			return true
		case 0:
			return false
		}
	}
}

// HasAccount tells whether an account is on the list.
func (l *List) HasAccount(account []byte) bool { return l.Has(Account, account) }

// HasCookie tells whether a cookie's value is on the list.
func (l *List) HasCookie(value []byte) bool { return l.Has(Cookie, value) }

// Len is the number of entries of a kind.
func (l *List) Len(kind Kind) int {
	n := 0
	for _, e := range l.table {
		if e != 0 && Kind(e&1) == kind {
			n++
		}
	}
	return n
}

// Change is what is to become of a list. It holds hashes only.
type Change struct {
	key     *Key
	kind    Kind
	entries []uint64
}

// NewChange is a change of entries of one kind.
func NewChange(key *Key, kind Kind) *Change { return &Change{key: key, kind: kind} }

// Name adds an identifier to the change. It does not keep the slice.
func (c *Change) Name(identifier []byte) {
	c.entries = append(c.entries, c.key.entry(c.kind, identifier))
}

// Len is the number of different identifiers.
func (c *Change) Len() int { return len(c.sorted()) }

// sorted is the change in order, each entry once.
func (c *Change) sorted() []uint64 {
	slices.Sort(c.entries)
	c.entries = slices.Compact(c.entries)
	return c.entries
}

// Add is the list with all that c names.
func (l *List) Add(c *Change) *List {
	all := append(l.entries(), c.sorted()...)
	slices.Sort(all)
	return listOf(l.key, slices.Compact(all))
}

// Remove is the list without all that c names.
func (l *List) Remove(c *Change) *List {
	gone := c.sorted()
	return listOf(l.key, l.without(func(e uint64) bool {
		_, found := slices.BinarySearch(gone, e)
		return found
	}))
}

// Replace is the list with all that c names, and nothing else of its kind.
func (l *List) Replace(c *Change) *List {
	return listOf(l.key, l.without(func(e uint64) bool { return Kind(e&1) == c.kind })).Add(c)
}

func (l *List) without(gone func(entry uint64) bool) []uint64 {
	return slices.DeleteFunc(l.entries(), gone)
}

// The form of a list's file: a head line, then the entries, ascending, one a line.
const (
	listMagic  = "throng-optout/1"
	headForm   = listMagic + " key=%016x entries=%d\n"
	maxHead    = 100
	entryWidth = 16 // hexadecimal digits
)

// Write writes the list in the form that [Read] reads.
func (l *List) Write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(out, headForm, l.key.id, l.n)
	for _, e := range l.entries() {
		fmt.Fprintf(out, "%016x\n", e)
	}
	return out.Flush()
}

// Read reads a list that was made under the key. An error names the line, and nothing that is in it.
func Read(r io.Reader, key *Key) (*List, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	n, err := readHead(in, key)
	if err != nil {
		return nil, err
	}
	l, last := newList(key, n), uint64(0)
	for i := range n {
		e, err := readEntry(in)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		if e <= last {
			return nil, fmt.Errorf("line %d: entries are not in ascending order; the file was edited or mixed with another one", i+2)
		}
		l.insert(e)
		last = e
	}
	if _, err := in.Peek(1); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: there is more than the %d entries that line 1 says", n+2, n)
	}
	return l, nil
}

func readHead(in *bufio.Reader, key *Key) (entries int, err error) {
	head, err := in.ReadSlice('\n')
	var id uint64
	if err != nil || len(head) > maxHead || !strings.HasPrefix(string(head), listMagic+" ") {
		return 0, errors.New("line 1: not an opt-out list; `throng optout add` makes one")
	}
	if n, err := fmt.Sscanf(string(head), headForm, &id, &entries); n != 2 || err != nil || entries < 0 || entries > maxEntries {
		return 0, fmt.Errorf("line 1: not an opt-out list of this version, or of more than %d entries", maxEntries)
	}
	if id != key.id {
		return 0, fmt.Errorf("line 1: the list was made under the key %016x, and the key here is %s; copy keys/optout from where the list was made", id, key.ID())
	}
	return entries, nil
}

func readEntry(in *bufio.Reader) (uint64, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		return 0, errors.New("the list ends here, before the number of entries that line 1 says; the file is cut short")
	}
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return 0, err
	}
	if len(line) == entryWidth+1 {
		if e, err := strconv.ParseUint(string(line[:entryWidth]), 16, 64); err == nil {
			return e, nil
		}
	}
	return 0, fmt.Errorf("not an entry of %d hexadecimal digits; the file is damaged", entryWidth)
}
