package syslog

import (
	"bytes"

	"throng/ingest/accesslog"
)

// Message is the content of a syslog message, without the header of RFC 5424 or RFC 3164 (see
// [accesslog.SyslogMessage]). What has no priority at its front is no syslog message and is returned whole.
// The result is part of frame.
func Message(frame []byte) []byte {
	frame = bytes.TrimRight(frame, "\r\n\x00")
	if message, ok := accesslog.SyslogMessage(frame); ok {
		return message
	}
	return frame
}
