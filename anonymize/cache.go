package anonymize

import (
	"hash/maphash"
)

// cache remembers what was made of bytes of a line. It belongs to one goroutine and takes no lock.
// Its memory is bounded by its size and maxKeyBytes, whatever visitors send; it lies in the raw zone
// and is cleared when an epoch ends. It is 4-way set-associative (docs/adr/0004-caches.md).
//
// The hash is seeded at random, so that no visitor can aim at a set; and keys are compared, so that no
// collision can give one line what belongs to another.
type cache[V any] struct {
	seed    maphash.Seed
	hashes  []uint64 // of the entries, apart, so that a set is one line of the processor's cache
	entries []entry[V]
	victim  int // the way that is replaced next
}

type entry[V any] struct {
	key   []byte
	tag   uint64
	value V
}

const (
	ways = 4
	// maxKeyBytes is the longest key that is remembered; longer ones are made anew each time.
	maxKeyBytes = 512
)

// newCache has room for size entries, rounded up to a power of two.
func newCache[V any](size int) *cache[V] {
	n := ways
	for n < size {
		n *= 2
	}
	return &cache[V]{seed: maphash.MakeSeed(), hashes: make([]uint64, n), entries: make([]entry[V], n)}
}

// find is the value for (tag, key), or nil. hash is for a put that follows.
func (c *cache[V]) find(tag uint64, key []byte) (value *V, hash uint64) {
	hash = (maphash.Bytes(c.seed, key) ^ tag*0x9E3779B97F4A7C15) | 1 // 0 is an empty entry
	set := c.set(hash)
	for i, h := range c.hashes[set : set+ways] {
		if h == hash {
			e := &c.entries[set+i]
			if e.tag == tag && string(e.key) == string(key) {
				return &e.value, hash
			}
		}
	}
	return nil, hash
}

// put remembers a value after find gave nil and hash, and returns where it is kept.
func (c *cache[V]) put(hash, tag uint64, key []byte, value V) *V {
	if len(key) > maxKeyBytes {
		return &value
	}
	c.victim = (c.victim + 1) % ways
	i := c.set(hash) + c.victim
	for k, h := range c.hashes[c.set(hash):][:ways] {
		if h == 0 {
			i = c.set(hash) + k
			break
		}
	}
	c.hashes[i] = hash
	c.entries[i] = entry[V]{append(c.entries[i].key[:0], key...), tag, value}
	return &c.entries[i].value
}

func (c *cache[V]) set(hash uint64) int {
	return int(hash>>8) & (len(c.hashes) - ways)
}

// clear forgets everything, the bytes too.
func (c *cache[V]) clear() {
	clear(c.hashes)
	clear(c.entries)
}
