package anonymize

import (
	"bytes"

	"throng"
	"throng/ingest/accesslog"
)

// OptOutList knows the accounts that asked not to have their data sold or shared.
type OptOutList interface {
	// Contains tells whether an account is on the list. It must not keep the slice.
	Contains(account []byte) bool
}

// signal decides the opt-out, before anything else is derived from the record (method section 1).
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
	switch {
	case dnt && gpc:
		return throng.DNTAndGPC
	case dnt:
		return throng.DNT
	case gpc:
		return throng.GPC
	case a.options.OptOut != nil && len(rec.RemoteUser) > 0 && a.options.OptOut.Contains(rec.RemoteUser):
		return throng.OptOutByName
	}
	return throng.NoSignal
}

// readDNT reads the DNT header field (W3C Tracking Preference Expression, section 5.2): "1" or "0",
// followed by an extension that is ignored. A server that logs several header fields joins them by a
// comma, which the extension cannot hold; then one that opts out is enough.
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
