package accesslog

// halves is a time that a line has in two parts, a date and a time of day in UTC, as W3C logs do.
type halves struct {
	day, sec       int64 // seconds of midnight since the Unix epoch; seconds since midnight
	dated, clocked bool

	// Neighbouring lines mostly have the same date.
	text    [len("2006-01-02")]byte
	textDay int64
}

// setDate reads 2006-01-02.
func (h *halves) setDate(v []byte) Reject {
	if string(v) != string(h.text[:]) {
		day, ok := parseDate(v)
		if !ok {
			return BadTime
		}
		copy(h.text[:], v)
		h.textDay = day
	}
	h.day, h.dated = h.textDay, true
	return accepted
}

// setClock reads 15:04:05, perhaps with a fraction.
func (h *halves) setClock(v []byte) Reject {
	if len(v) < len("15:04:05") {
		return BadTime
	}
	sec, ok := parseClock(v[:8])
	if !ok {
		return BadTime
	}
	if len(v) > 8 {
		if rest, ok := afterFraction(v[8:]); !ok || len(rest) > 0 {
			return BadTime
		}
	}
	h.sec, h.clocked = int64(sec), true
	return accepted
}

// join makes the record's time of the two parts, where it has no other.
func (r *recorder) join() {
	if h := &r.halves; !r.timed && h.dated && h.clocked {
		r.rec.Time, r.timed = h.day+h.sec, true
	}
}

func parseDate(b []byte) (int64, bool) {
	if len(b) != len("2006-01-02") || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(b[:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:])
	if !(ok1 && ok2 && ok3) {
		return 0, false
	}
	return unixTime(year, month, day, 0)
}
