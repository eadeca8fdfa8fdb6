package capacity

import "container/heap"

// clockwork runs what is to happen in the order of time; of two things at the same time, the one that was planned first.
type clockwork struct {
	now     float64 // s since the day began
	planned agenda
	count   int
}

type entry struct {
	at    float64
	order int
	do    func()
}

type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// at plans what is to happen; in the past is now.
func (c *clockwork) at(at float64, do func()) {
	c.count++
	heap.Push(&c.planned, entry{max(at, c.now), c.count, do})
}

// run lets happen what is planned until then.
func (c *clockwork) run(until float64) {
	for len(c.planned) > 0 && c.planned[0].at <= until {
		e := heap.Pop(&c.planned).(entry)
		c.now = e.at
		e.do()
	}
	c.now = until
}

// station is a number of equal servers with one queue in front.
type station struct {
	free []float64 // when each server is done with what it was given
	busy [24]float64
}

func newStation(servers int) *station { return &station{free: make([]float64, servers)} }

// serve gives the next free server work of so many seconds, and says when it is done.
func (s *station) serve(now, work float64) (done float64) {
	next := 0
	for i, at := range s.free {
		if at < s.free[next] {
			next = i
		}
	}
	begin := max(now, s.free[next])
	s.free[next] = begin + work
	s.busy[min(23, int(begin/3600))] += work
	return s.free[next]
}

// peak is the share of the busiest hour in which the servers worked.
func (s *station) peak() (most float64) {
	for _, b := range s.busy {
		most = max(most, b/3600/float64(len(s.free)))
	}
	return most
}
