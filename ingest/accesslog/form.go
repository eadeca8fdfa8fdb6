package accesslog

import "bytes"

// setForm reads the text of one field that is written in the given form.
func (r *recorder) setForm(f field, form form, v []byte) Reject {
	switch form {
	case asIs:
		return r.set(f, v)
	case encoded:
		return r.set(f, r.percentDecoded(v))
	}
	r.rec.RequestTime = Duration{text: v, perSecond: unitsPerSecond[form]}
	return accepted
}

var unitsPerSecond = [...]float64{millis: 1e3, micros: 1e6, nanos: 1e9}

// percentDecoded gives v with %HH decoded: v itself where it has none. What was encoded twice, as
// CloudFront did until 2020, is decoded twice.
func (r *recorder) percentDecoded(v []byte) []byte {
	v, again := r.percentDecodedOnce(v)
	if again && bytes.Contains(v, []byte("%20")) {
		v, _ = r.percentDecodedOnce(v)
	}
	return v
}

// percentDecodedOnce tells too whether what it gives has a percent sign. Most escapes are so near to each other that
// words of eight bytes, of which the next one begins where an escape ends, would take as long.
func (r *recorder) percentDecodedOnce(v []byte) (decoded []byte, percent bool) {
	if bytes.IndexByte(v, '%') < 0 {
		return v, false
	}
	out := r.room(len(v))
	n := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '%' && len(v)-i > 2 && hexValue(v[i+1])|hexValue(v[i+2]) <= 15 {
			c = hexValue(v[i+1])<<4 | hexValue(v[i+2])
			i += 2
		}
		percent = percent || c == '%'
		out[n] = c
		n++
	}
	return r.taken(out[:n]), percent
}

// plusDecoded gives v with the spaces that IIS writes as "+". Of two in a row the second is a plus of
// the client's own: robots put one before their address.
func (r *recorder) plusDecoded(v []byte) []byte {
	if bytes.IndexByte(v, '+') < 0 {
		return v
	}
	out := r.room(len(v))
	n := 0
	for len(v) > 0 {
		d := copyNear(out[n:], v, '+')
		n, v = n+d, v[d:]
		if len(v) == 0 {
			break
		}
		out[n] = ' '
		n, v = n+1, v[1:]
		if len(v) > 0 && v[0] == '+' {
			out[n] = '+'
			n, v = n+1, v[1:]
		}
	}
	return r.taken(out[:n])
}
