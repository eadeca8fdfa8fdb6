package anonymize

import "hash/maphash"

// cache remembers what was made of bytes of a line. It belongs to one goroutine and takes no lock. It
// holds no byte of a line, only a 64-bit hash of it under a seed that is drawn at random for this cache,
// so that no visitor can aim at a set of the cache or make two texts collide. Its size is fixed, whatever
// visitors send. It is cleared when an epoch ends. See docs/adr/0004-caches.md.
type cache[V any] struct {
	seed maphash.Seed
	// hashes lie apart from the values, so that a look-up reads one line of the processor's cache and
	// the value that it finds. 0 is an empty place.
	hashes []uint64
	values []V
	victim int // the way that is replaced next
}

// place is the hash of a text, under which it is remembered.
type place uint64

const ways = 4

// newCache has room for size values, rounded up to a power of two.
func newCache[V any](size int) *cache[V] {
	n := ways
	for n < size {
		n *= 2
	}
	return &cache[V]{seed: maphash.MakeSeed(), hashes: onHugePages(make([]uint64, n)), values: onHugePages(make([]V, n))}
}

// place is where a text belongs. The tag tells apart what depends on more than the text.
func (c *cache[V]) place(tag uint64, text []byte) place {
	return place((maphash.Bytes(c.seed, text) ^ tag*0x9E3779B97F4A7C15) | 1)
}

// find is where the value of a place is; negative where it is not remembered.
//
// Which of the ways it is, is computed and not branched on: nobody can predict it, and a wrong guess
// would keep the processor from waiting for the memory of several look-ups at a time.
func (c *cache[V]) find(p place) int {
	first := c.first(p)
	set := (*[ways]uint64)(c.hashes[first:])
	one, two, three := same(set[1], p), same(set[2], p), same(set[3], p)
	found := same(set[0], p) | one | two | three
	return first + int(one+2*two+3*three) - int(1-found)<<32
}

// all copies the values of many places, and gives the indices of those that are not remembered. First
// it finds all, then it copies all: in either loop the processor waits for many at a time.
func (c *cache[V]) all(places []place, values *[batchSize]V, missing *[batchSize]int) []int {
	var at [batchSize]int
	for i, p := range places {
		at[i&(batchSize-1)] = c.find(p)
	}
	n := 0
	for i := range places {
		if v := at[i&(batchSize-1)]; v >= 0 {
			values[i] = c.values[v]
		} else {
			missing[n] = i
			n++
		}
	}
	return missing[:n]
}

// fill makes and remembers the value of a place, unless it was done meanwhile.
func (c *cache[V]) fill(p place, make func() V) V {
	if at := c.find(p); at >= 0 {
		return c.values[at]
	}
	v := make()
	c.put(p, v)
	return v
}

// same is 1 where a hash is that of the place, else 0.
func same(hash uint64, p place) uint64 {
	x := hash ^ uint64(p)
	return (x - 1) &^ x >> 63
}

// put remembers a value at a place where there is none, over another one where the set is full. Which one
// is no matter of fairness: texts that repeat come back at once.
func (c *cache[V]) put(p place, value V) {
	c.victim = (c.victim + 1) % ways
	first, way := c.first(p), c.victim
	for i, h := range c.hashes[first : first+ways] {
		if h == 0 {
			way = i
			break
		}
	}
	c.hashes[first+way], c.values[first+way] = uint64(p), value
}

// first is the first way of the set to which a place belongs.
func (c *cache[V]) first(p place) int { return int(p>>8) & (len(c.hashes) - ways) }

func (c *cache[V]) clear() {
	clear(c.hashes)
	clear(c.values)
}
