package anonymize

import "hash/maphash"

// cache remembers what was made of bytes of a line. It belongs to one goroutine and takes no lock. It
// holds no byte of a line, only a 128-bit hash of it: two 64-bit hashes under seeds that are drawn at
// random for this cache, so that no visitor can aim at a set of the cache, or make two texts collide
// (among 2³² texts the chance that any two do is below 2⁻⁶⁴). Its size is fixed, whatever visitors
// send. It is cleared when an epoch ends. See docs/adr/0004-caches.md.
type cache[V any] struct {
	setSeed, checkSeed maphash.Seed
	entries            []entry[V]
	victim             int // the way that is replaced next
}

type entry[V any] struct {
	place
	value V
}

// place is where a text belongs: what find computed, for put. A hash of 0 is an empty entry.
type place struct{ hash, check uint64 }

const ways = 4

// newCache has room for size entries, rounded up to a power of two.
func newCache[V any](size int) *cache[V] {
	n := ways
	for n < size {
		n *= 2
	}
	return &cache[V]{setSeed: maphash.MakeSeed(), checkSeed: maphash.MakeSeed(), entries: make([]entry[V], n)}
}

// find is the value of a text; nil where it is not remembered. The tag tells apart what depends on more
// than the text. The pointer is valid until the next put.
func (c *cache[V]) find(tag uint64, text []byte) (*V, place) {
	tag *= 0x9E3779B97F4A7C15
	p := place{(maphash.Bytes(c.setSeed, text) ^ tag) | 1, maphash.Bytes(c.checkSeed, text) ^ tag}
	set := c.set(p)
	for i := range set {
		if set[i].place == p {
			return &set[i].value, p
		}
	}
	return nil, p
}

// put remembers a value at the place that find gave, over another one where the set is full. Which one
// is no matter of fairness: texts that repeat come back at once.
func (c *cache[V]) put(p place, value V) *V {
	c.victim = (c.victim + 1) % ways
	set, way := c.set(p), c.victim
	for i := range set {
		if set[i].hash == 0 {
			way = i
			break
		}
	}
	set[way] = entry[V]{p, value}
	return &set[way].value
}

func (c *cache[V]) set(p place) []entry[V] {
	i := int(p.hash>>8) & (len(c.entries) - ways)
	return c.entries[i : i+ways]
}

func (c *cache[V]) clear() { clear(c.entries) }
