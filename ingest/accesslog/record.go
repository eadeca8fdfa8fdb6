package accesslog

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"

	"throng"
)

// Record is one line of an access log, as it was read.
//
// Its byte slices alias the line, or the scratch memory of the [Parser], and are valid until the next
// call of [Parser.Parse]. A field that the line does not have, or for which it has "-" or
// nothing, is nil.
//
// A Record prints redacted under every verb and refuses to be marshalled. That holds for a Record, a
// pointer to it, and an exported field of another struct. Package fmt asks no method of an unexported
// field, so a struct that holds a Record there must not be printed; nor does it for a %w that is not
// an error's in Errorf, which go vet refuses.
type Record struct {
	// Time is in seconds since the Unix epoch; fractions are dropped.
	Time int64
	// RemoteAddr is the client's address: without port and zone id, IPv4 also where it was written
	// as ::ffff:a.b.c.d. It is invalid where the line had no address (a host name, "-", "unknown").
	RemoteAddr netip.Addr
	// Method is the request's method where it is one of the closed list.
	Method throng.Method
	// Status is 100–599; 0 is none ("-" and "000" in logs of requests that were broken off).
	Status uint16
	// Bytes is the size of the response in bytes, 0 for "-".
	Bytes uint64

	RemoteHost   []byte // the client's address or host name, as it was written
	ForwardedFor []byte // X-Forwarded-For, as it was written
	RemoteUser   []byte // the account of HTTP authentication

	// MethodText, Target and Protocol are the parts of the request line. All are nil where the
	// request was no HTTP request line (a TLS hello, bytes of another protocol).
	MethodText, Target, Protocol []byte
	// Path is the target up to the first "?", without fragment. It is nil for targets that have none:
	// "*", the host:port of CONNECT.
	Path []byte
	// Query is what follows the first "?" of the target.
	Query []byte

	Referer   []byte
	UserAgent []byte // as it was written: see UserAgentText
	// UserAgentEncoding is how the server wrote it.
	UserAgentEncoding Encoding
	// Host is the host that was asked, without port: the target's where it was in absolute form, else
	// the one that the server wrote.
	Host []byte

	RequestTime Duration // how long the request took

	// DNT and GPC are the values of the request header fields DNT and Sec-GPC. Several header fields of
	// one name are one value with commas, as servers log them; those of a JSON array are joined so.
	DNT, GPC Field

	Cookie  []byte   // the request header field Cookie, as it was written
	Cookies []Cookie // cookies that the server logs one by one
	Consent []byte   // what the server logs of a visitor's consent, such as the response's Tk
}

// Field is the value of a request header field that carries an opt-out signal.
type Field struct {
	Value []byte
	// Present says that the request had the header field, with a value that is not empty.
	Present bool
}

const redacted = "[redacted record]"

var errRaw = errors.New("marshal record: a raw record is never marshalled")

// String is the same text for every record.
func (Record) String() string { return redacted }

// GoString is the same text for every record.
func (Record) GoString() string { return redacted }

// Format implements [fmt.Formatter]: every verb prints the same text.
func (Record) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements [slog.LogValuer].
func (Record) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses; see [AppendNDJSON] for the one way out of the raw zone that a person asks for.
func (Record) MarshalJSON() ([]byte, error) { return nil, errRaw }

// MarshalText refuses.
func (Record) MarshalText() ([]byte, error) { return nil, errRaw }

// MarshalBinary refuses, for encoding/gob too.
func (Record) MarshalBinary() ([]byte, error) { return nil, errRaw }

// String is the same text for every field.
func (Field) String() string { return redacted }

// GoString is the same text for every field.
func (Field) GoString() string { return redacted }

// Format implements [fmt.Formatter]: every verb prints the same text.
func (Field) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements [slog.LogValuer].
func (Field) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses.
func (Field) MarshalJSON() ([]byte, error) { return nil, errRaw }

// MarshalText refuses.
func (Field) MarshalText() ([]byte, error) { return nil, errRaw }

// MarshalBinary refuses.
func (Field) MarshalBinary() ([]byte, error) { return nil, errRaw }
