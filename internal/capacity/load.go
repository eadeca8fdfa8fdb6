package capacity

import "math"

// loader takes blocks of its partitions, two at a time.
type loader struct {
	s          *simulation
	partitions []*partition
	underway   []landing
	paused     bool // the group forms anew
	dead       bool
	life       int // grows when the loader dies: what an earlier life began ends without effect
}

// landing is a block on its way into the store.
type landing struct {
	from *partition
	parcel
	id int
}

// fetch begins as many inserts as there may be. The oldest block comes first.
func (l *loader) fetch() {
	for !l.dead && !l.paused && len(l.underway) < insertsAtOnce {
		var next *partition
		for _, p := range l.partitions {
			if len(p.blocks) > 0 && (next == nil || p.blocks[0].pieces[0].at < next.blocks[0].pieces[0].at) {
				next = p
			}
		}
		if next == nil {
			return
		}
		l.s.landings++
		b := landing{next, next.blocks[0], l.s.landings}
		next.blocks = next.blocks[1:]
		l.underway = append(l.underway, b)
		life := l.life
		l.s.at(l.s.now+b.lines/1e6*loaderCPU, func() { l.insert(b, life) })
	}
}

// insert puts a block into its shard, again and again while the shard is away or refuses it.
func (l *loader) insert(b landing, life int) {
	if l.life != life {
		return
	}
	again := func(at float64) { l.s.at(at, func() { l.insert(b, life) }) }
	switch sh := l.s.shards[b.shard]; {
	case l.s.now < sh.back:
		again(sh.back)
	case sh.parts >= partsRefused:
		l.s.refused++
		again(l.s.now + 5) // as ingest.untilDone does at most
	default:
		l.s.at(sh.insert(l.s.now, b.lines), func() {
			if l.life == life {
				l.commit(b)
			}
		})
	}
}

func (l *loader) commit(b landing) {
	for i, u := range l.underway {
		if u.id == b.id {
			l.underway = append(l.underway[:i], l.underway[i+1:]...)
			break
		}
	}
	l.s.lags.loaded(l.s.now, b.parcel)
	l.fetch()
}

// die loses what is under way: it was not committed, so it comes again. Rows that were inserted already are recognized; that
// costs an insert all the same.
func (l *loader) die() {
	l.dead = true
	l.life++
	for i := len(l.underway) - 1; i >= 0; i-- {
		u := l.underway[i]
		u.from.blocks = append([]parcel{u.parcel}, u.from.blocks...)
	}
	l.underway = nil
}

// regroup gives the partitions to the loaders that live, after a while in which nobody fetches.
func (s *simulation) regroup() {
	for _, l := range s.loaders {
		l.paused = true
	}
	s.at(s.now+regrouping, func() {
		var living []*loader
		for _, l := range s.loaders {
			l.partitions, l.paused = nil, false
			if !l.dead {
				living = append(living, l)
			}
		}
		for i, p := range s.partitions {
			p.owner = living[i%len(living)]
			p.owner.partitions = append(p.owner.partitions, p)
		}
		for _, l := range living {
			l.fetch()
		}
	})
}

// shard is a store with its cores. Parts are those of the day in a table, by how often their rows were merged.
type shard struct {
	cores *station
	back  float64 // until when it is away
	limit float64 // bytes up to which parts are merged
	sizes [][]float64
	parts int
	most  int
}

// insert says when a block is inserted. What the parts of a table cost is taken from ClickHouse's settings: from parts_to_delay_insert on each insert
// waits, the longer the more parts there are (max_delay_to_insert is a second).
func (sh *shard) insert(now, lines float64) (done float64) {
	delay := 0.
	if over := sh.parts - partsDelay; over > 0 {
		delay = math.Max(.01, float64(over)/(partsRefused-partsDelay))
	}
	done = sh.cores.serve(now+delay, lines/1e6*storeCPU)
	sh.add(now, 0, lines/blockLines*partBytes)
	sh.most = max(sh.most, sh.parts)
	return done
}

// add keeps a part, and merges ten of the same kind as soon as they are there.
func (sh *shard) add(now float64, level int, bytes float64) {
	if len(sh.sizes) == level {
		sh.sizes = append(sh.sizes, nil)
	}
	sh.parts++
	sh.sizes[level] = append(sh.sizes[level], bytes)
	sum := 0.
	for _, b := range sh.sizes[level] {
		sum += b
	}
	if len(sh.sizes[level]) < mergedAtOnce {
		return
	}
	sh.sizes[level] = sh.sizes[level][:0]
	if sum > sh.limit {
		return // they stay as they are
	}
	lines := sum / partBytes * blockLines
	for range mergedAtOnce { // a merge is one thread's; ten pieces of it let inserts in between
		sh.cores.serve(now, lines/mergedAtOnce/1e6*mergeCPU)
	}
	sh.parts -= mergedAtOnce
	sh.add(now, level+1, sum)
}
