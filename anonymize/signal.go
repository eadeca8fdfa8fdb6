package anonymize

import (
	"bytes"

	"throng"
	"throng/ingest/accesslog"
)

// OptOutList knows who asked not to have their data sold or shared. Its methods must not keep the slice.
type OptOutList interface {
	// HasAccount tells whether an account is on the list.
	HasAccount(account []byte) bool
	// HasCookie tells whether a value of the opt-out cookie is on the list.
	HasCookie(value []byte) bool
}

// Consent is how a site's log tells that a visitor consented to be counted in spite of DNT. A record has
// the marker if either is there.
type Consent struct {
	// Cookie and Value are a cookie's name and the whole of its value. Exclusive with no name.
	Cookie, Value string
	// Marker is the value of the log's consent field up to the first ";", such as C for the response
	// header field Tk (W3C Tracking Preference Expression, section 6.2). Defaults to none.
	Marker string
}

// in tells whether the record has the marker.
func (c *Consent) in(rec *accesslog.Record) bool {
	if c.Marker != "" {
		value, _, _ := bytes.Cut(rec.Consent, []byte{';'})
		if string(bytes.TrimSpace(value)) == c.Marker {
			return true
		}
	}
	return c.Cookie != "" && rec.AnyCookie(c.Cookie, func(v []byte) bool { return string(v) == c.Value })
}

// signal decides the opt-out, before anything else is derived from the record (method section 1). It
// looks at the header fields, the consent marker and the identifiers on the opt-out list, and at no
// other field but the host, whose site says what its marker is.
func (a *Anonymizer) signal(rec *accesslog.Record) throng.Signal {
	dnt, gpc := false, false
	if rec.DNT.Present {
		var valid bool
		if dnt, valid = readDNT(rec.DNT.Value); !valid {
			a.counts.InvalidDNT++
		}
	}
	if rec.GPC.Present {
		var valid bool
		if gpc, valid = readGPC(rec.GPC.Value); !valid {
			a.counts.InvalidGPC++
		}
	}
	if dnt && a.consented(rec) {
		dnt = false
		a.counts.Consented++
	}
	switch {
	case dnt && gpc:
		return throng.DNTAndGPC
	case dnt:
		return throng.DNT
	case gpc:
		return throng.GPC
	case a.options.OptOut != nil && a.listed(rec):
		return throng.OptOutByName
	}
	return throng.NoSignal
}

// consented tells whether the record has the consent marker of its site.
func (a *Anonymizer) consented(rec *accesslog.Record) bool {
	if len(a.options.Consent) == 0 {
		return false
	}
	s := a.siteOf(rec.Host)
	return s != nil && s.consent.in(rec)
}

// listed tells whether the record's account or its opt-out cookie is on the opt-out list.
func (a *Anonymizer) listed(rec *accesslog.Record) bool {
	o := &a.options
	return len(rec.RemoteUser) > 0 && o.OptOut.HasAccount(rec.RemoteUser) ||
		o.OptOutCookie != "" && rec.AnyCookie(o.OptOutCookie, o.OptOut.HasCookie)
}

// readDNT reads the DNT header field (W3C Tracking Preference Expression, section 5.2): "1" or "0",
// followed by an extension that is ignored. Servers that log several header fields join them by a comma,
// which the extension cannot hold; then one that opts out is enough.
func readDNT(value []byte) (optedOut, valid bool) {
	return anyField(value, func(v []byte) (bool, bool) {
		return v[0] == '1', v[0] == '1' || v[0] == '0'
	})
}

// readGPC reads the Sec-GPC header field (W3C Global Privacy Control, section 3.2): exactly "1". With
// several header fields, one is enough.
func readGPC(value []byte) (optedOut, valid bool) {
	return anyField(value, func(v []byte) (bool, bool) {
		one := len(v) == 1 && v[0] == '1'
		return one, one
	})
}

// anyField reads the values between commas. One that opts out decides; without, all must be valid.
func anyField(value []byte, read func(v []byte) (optedOut, valid bool)) (optedOut, valid bool) {
	valid = true
	for more := true; more; {
		var v []byte
		v, value, more = bytes.Cut(value, []byte{','})
		v = bytes.Trim(v, " \t")
		if len(v) == 0 {
			valid = false
			continue
		}
		out, ok := read(v)
		if out {
			return true, true
		}
		valid = valid && ok
	}
	return false, valid
}
