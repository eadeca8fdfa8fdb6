// Package accesslog reads the lines of web servers' access logs into a [Record].
//
// It guarantees: any bytes are accepted as input, none makes it panic or loop; a line is either read
// or refused with a [Reject], a reason of a closed list, and the offset of the byte at which reading
// failed; what a line says is taken as it is, invalid UTF-8 included; a Record prints redacted and
// refuses to be marshalled; in steady state reading a line of a request allocates
// nothing.
//
// It does not guarantee that a line is true: a client chooses most of its bytes. It decides nothing:
// signals, addresses and paths are interpreted by package anonymize. It does no I/O, reads no clock
// and has no state but one parser's own.
//
// A Record is the raw zone: nearly every field of it can identify a person.
package accesslog
