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
	seconds, ok := parseSeconds(v)
	r.rec.RequestTime, r.rec.HasRequestTime = seconds/unitsPerSecond[form], ok
	return accepted
}

var unitsPerSecond = [...]float64{millis: 1e3, micros: 1e6, nanos: 1e9}

// percentDecoded gives v with %HH decoded: v itself where it has none. What was encoded twice, as
// CloudFront did until 2020, is decoded twice.
func (r *recorder) percentDecoded(v []byte) []byte {
	v = r.percentDecodedOnce(v)
	if bytes.Contains(v, []byte("%20")) {
		v = r.percentDecodedOnce(v)
	}
	return v
}

func (r *recorder) percentDecodedOnce(v []byte) []byte {
	i := bytes.IndexByte(v, '%')
	if i < 0 {
		return v
	}
	start := len(r.scratch)
	for ; i >= 0; i = bytes.IndexByte(v, '%') {
		r.scratch = append(r.scratch, v[:i]...)
		v = v[i:]
		if len(v) >= 3 && hexValue(v[1]) <= 15 && hexValue(v[2]) <= 15 {
			r.scratch = append(r.scratch, hexValue(v[1])<<4|hexValue(v[2]))
			v = v[3:]
		} else {
			r.scratch = append(r.scratch, '%')
			v = v[1:]
		}
	}
	r.scratch = append(r.scratch, v...)
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}

// plusDecoded gives v with the spaces that IIS writes as "+". Of two in a row the second is a plus of
// the client's own: robots put one before their address.
func (r *recorder) plusDecoded(v []byte) []byte {
	if bytes.IndexByte(v, '+') < 0 {
		return v
	}
	start := len(r.scratch)
	r.scratch = append(r.scratch, v...)
	out := r.scratch[start:len(r.scratch):len(r.scratch)]
	for i := bytes.IndexByte(out, '+'); i < len(out); i++ {
		out[i] = ' '
		if i+1 < len(out) && out[i+1] == '+' {
			i++
		}
		n := bytes.IndexByte(out[i+1:], '+')
		if n < 0 {
			break
		}
		i += n
	}
	return out
}
