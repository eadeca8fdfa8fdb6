package loadgen

import (
	"bytes"
	"strconv"
)

// tooLongTarget is longer than the longest line that a reader takes, 1 MiB.
var tooLongTarget = bytes.Repeat([]byte("/a"), 1<<19+50)

// appendLine writes a request as a line of combined format plus the two signal fields. Stamp is the
// time in its brackets, with blanks around.
func (l *Log) appendLine(b []byte, r *request, stamp []byte) []byte {
	switch r.kind {
	case visit:
		return l.appendVisit(b, r, stamp)
	case asset:
		return l.appendAsset(b, r, stamp)
	case failure:
		return l.appendFailure(b, r, stamp)
	case bot:
		return l.appendBot(b, r, stamp)
	case garbled:
		return l.appendGarbled(b, r, stamp)
	case errorLog:
		return append(b, errorLines[below(r.hash, uint64(len(errorLines)))]...)
	case truncated:
		return l.appendTruncated(b, r, stamp)
	default:
		return l.appendTooLong(b, r, stamp)
	}
}

func (l *Log) appendVisit(b []byte, r *request, stamp []byte) []byte {
	d := l.devices.at(r.device)
	b = l.appendClient(b, d, r, stamp)
	b = append(append(b, "GET "...), r.page.path...)
	b = l.appendQuery(b, r.hash)
	b = append(b, protocol(d)...)
	switch status := r.hash >> 58; {
	case status < 3:
		b = append(b, "304 0"...)
	case status == 3:
		b = appendSize(append(b, "206 "...), visitSize(r))
	default:
		b = appendSize(append(b, "200 "...), visitSize(r))
	}
	return l.appendTail(b, d, r)
}

func (l *Log) appendAsset(b []byte, r *request, stamp []byte) []byte {
	d := l.devices.at(r.device)
	b = l.appendClient(b, d, r, stamp)
	b = append(append(b, "GET "...), r.page.path[:r.page.host]...)
	b = append(b, assets[below(r.hash, uint64(len(assets)))]...)
	b = append(append(b, protocol(d)...), "200 "...)
	return l.appendTail(appendSize(b, 900+r.hash>>40&0x3ffff), d, r)
}

func (l *Log) appendFailure(b []byte, r *request, stamp []byte) []byte {
	d := l.devices.at(r.device)
	b = l.appendClient(b, d, r, stamp)
	f := failures[below(r.hash, uint64(len(failures)))]
	b = append(append(append(b, f.method...), r.page.path...), f.suffix...)
	b = l.appendQuery(b, r.hash)
	b = append(append(append(b, protocol(d)...), f.status...), ' ')
	return l.appendTail(appendSize(b, 150+r.hash>>40&0xff), d, r)
}

func (l *Log) appendBot(b []byte, r *request, stamp []byte) []byte {
	address := l.devices.bot(r.hash)
	b = l.appendUser(l.devices.appendAddress(b, address, mix(address)), stamp)
	b = append(append(b, "GET "...), r.page.path...)
	b = append(l.appendQuery(b, r.hash), " HTTP/1.1\" 200 "...)
	b = appendSize(b, visitSize(r))
	agent := l.botAgents[address%uint64(len(l.botAgents))]
	b = append(append(append(b, ` "-" "`...), agent...), "\" \"-\" \"-\"\n"...)
	return b
}

func (l *Log) appendGarbled(b []byte, r *request, stamp []byte) []byte {
	address := l.devices.bot(r.hash)
	b = append(l.devices.appendAddress(b, address, mix(address)), " - -"...)
	b = append(append(b, stamp...), '"')
	b = append(b, garbledRequests[r.hash&3]...)
	return append(b, "\" 400 157 \"-\" \"-\" \"-\" \"-\"\n"...)
}

// appendTruncated ends a line within its request, as a full disk does.
func (l *Log) appendTruncated(b []byte, r *request, stamp []byte) []byte {
	b = l.appendClient(b, l.devices.at(r.device), r, stamp)
	cut := 1 + below(r.hash, uint64(len(r.page.path)))
	return append(append(append(b, "GET "...), r.page.path[:cut]...), '\n')
}

func (l *Log) appendTooLong(b []byte, r *request, stamp []byte) []byte {
	d := l.devices.at(r.device)
	b = append(l.appendClient(b, d, r, stamp), "GET "...)
	b = append(append(b, tooLongTarget...), " HTTP/1.1\" 414 157"...)
	return l.appendTail(b, d, r)
}

// appendClient begins a line of a device, up to the quote that opens the request.
func (l *Log) appendClient(b []byte, d device, r *request, stamp []byte) []byte {
	b = l.devices.appendAddress(b, d.address, mix(d.hash+r.hash&3))
	return l.appendUser(b, stamp)
}

func (l *Log) appendUser(b []byte, stamp []byte) []byte {
	if l.canary == "" {
		b = append(b, " - -"...)
	} else {
		b = append(append(b, " - "...), l.canary...)
	}
	return append(append(b, stamp...), '"')
}

// appendQuery gives one target in sixteen a query; with a canary, every one.
func (l *Log) appendQuery(b []byte, h uint64) []byte {
	if l.canary == "" && h&0xf != 0 {
		return b
	}
	return append(b, l.queries[h>>4%uint64(len(l.queries))]...)
}

func protocol(d device) string {
	if d.hash&0x700 == 0 {
		return ` HTTP/1.1" `
	}
	return ` HTTP/2.0" `
}

func visitSize(r *request) uint64 { return 500 + r.hash>>40&0xffff }

func appendSize(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

// appendTail ends a line of a device: referrer, user agent and the two signals.
func (l *Log) appendTail(b []byte, d device, r *request) []byte {
	b = append(b, ` "`...)
	if ref := l.referrers[r.hash>>8&0xff]; ref == ownSite {
		b = append(append(append(b, "https:/"...), r.page.path[:r.page.host]...), '/')
	} else {
		b = append(b, ref...)
	}
	b = append(append(b, `" "`...), d.agent...)
	return append(append(append(b, `" "`...), d.dntField()...), d.gpcEnd()...)
}

func (d device) gpcEnd() string {
	if d.gpc {
		return "\" \"1\"\n"
	}
	return "\" \"-\"\n"
}

// dntField is the value of DNT: 1 or nothing, seldom 0, and for one device in a thousand null, which
// some scripts send and the specification does not know.
func (d device) dntField() string {
	switch h := d.hash >> 54; {
	case d.dnt:
		return "1"
	case h < 31:
		return "0"
	case h == 31:
		return "null"
	}
	return "-"
}
