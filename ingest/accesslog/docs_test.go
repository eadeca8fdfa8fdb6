package accesslog_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"throng/ingest/accesslog"
)

const formatsPreamble = `# Formats of access logs

<!-- Made from the table of formats: go test ./ingest/accesslog -run TestFormatsDocument -update -->

A source's ` + "`format`" + `, and ` + "`--format`" + ` of the commands that read lines, is one of:

- ` + "`auto`" + `: found out from the first lines. What they do not show, such as signals that nobody sent yet, cannot be found out, so naming
  the format is better.
- a name from the list below, which ` + "`throng formats`" + ` prints too;
- the format as it stands in the configuration of nginx or Apache, as below;
- ` + "`" + `syslog:` + "`" + ` and one of these, for lines behind syslog's header.

` + "`throng parse --explain`" + ` shows field by field how lines are read, and where and why one is refused.

## The web server's own format

The format is nginx's ` + "`log_format`" + ` or Apache's ` + "`LogFormat`" + `: the bare string, the string after ` + "`escape=json `" + ` (` + "`default`, `none`" + `), or the
whole directive as it stands in the server's configuration:

` + "```yaml" + `
sources:
  - name: shop@web1
    site: shop
    path: /var/log/nginx/access.log
    format: |
      log_format shop escape=json '$remote_addr - $remote_user [$time_local] "$request" '
                                  '$status $body_bytes_sent "$http_user_agent" "$http_dnt" "$http_sec_gpc"';
` + "```" + `

It must have a time, and a request or a status. Variables that mean nothing here are skipped. Two variables need text between
them, unless a value's end shows by itself (` + "`$host$request_uri`, `%U%q`" + `). Of several variables for one thing the more exact counts: ` + "`%a`" + `
before ` + "`%h`, `%>s` before `%s`, `$request` before `$request_uri`, `$host` before `$server_name`" + `.

| what | nginx | Apache |
|---|---|---|
| client | ` + "`$remote_addr`" + ` (with ` + "`:$remote_port`" + ` too) | ` + "`%a %h`" + ` (with ` + "`:%{remote}p`" + ` too) |
| hops | ` + "`$http_x_forwarded_for $proxy_add_x_forwarded_for $http_forwarded`" + ` | ` + "`%{X-Forwarded-For}i %{Forwarded}i`" + ` |
| account | ` + "`$remote_user`" + ` | ` + "`%u`" + ` |
| time | ` + "`$time_local $time_iso8601 $msec`" + ` | ` + "`%t %{sec}t %{msec}t %{usec}t`, `%{FORMAT}t`" + ` with strftime's directives |
| request | ` + "`$request`, or `$request_method $request_uri $uri $args $server_protocol`" + ` | ` + "`%r`, or `%m %U %q %H`" + ` |
| status, size | ` + "`$status $body_bytes_sent $bytes_sent`" + ` | ` + "`%>s %s %b %B %O`" + ` |
| header fields | ` + "`$http_referer $http_user_agent $http_dnt $http_sec_gpc $http_cookie`" + ` | ` + "`%{Referer}i %{User-Agent}i %{DNT}i %{Sec-GPC}i %{Cookie}i`" + ` |
| host | ` + "`$host $http_host $server_name`" + ` | ` + "`%V %{Host}i %v`" + ` (with ` + "`:%p`" + ` too) |
| duration | ` + "`$request_time`" + ` | ` + "`%D %T %{ms}T %{us}T`" + ` |
| consent | ` + "`$cookie_NAME $sent_http_tk $http_x_consent`" + ` | ` + "`%{NAME}C %{Tk}o %{X-Consent}i`" + ` |

A time without an offset (` + "`%{%F %T}t`" + `) is read as UTC: let the server run with ` + "`TZ=UTC`" + `, or write ` + "`%z`" + `.

## Lines that name their fields

JSON, LTSV and W3C logs name their fields, in every line or in directives. Where a log has other names than the format's, ` + "`" + `keys` + "`" + ` of its
source, or ` + "`" + `--key FIELD=NAME` + "`" + `, says under which name it has a field. A dot leads into an object of JSON; an empty name leaves the field out.

` + "`" + `` + "`" + `` + "`" + `yaml
sources:
  - name: app@web1
    site: shop
    path: /var/log/app/access.json
    format: json
    keys:
      remote_addr: request.headers.True-Client-Ip
      time: started_at
` + "`" + `` + "`" + `` + "`" + `

Fields: ` + "`" + `remote_addr` + "`" + `, ` + "`" + `forwarded_for` + "`" + `, ` + "`" + `remote_user` + "`" + `, ` + "`" + `time` + "`" + `, ` + "`" + `request` + "`" + ` (a whole request line), ` + "`" + `method` + "`" + `, ` + "`" + `target` + "`" + ` (path and query),
` + "`" + `query` + "`" + `, ` + "`" + `protocol` + "`" + `, ` + "`" + `status` + "`" + `, ` + "`" + `bytes` + "`" + `, ` + "`" + `referer` + "`" + `, ` + "`" + `user_agent` + "`" + `, ` + "`" + `host` + "`" + `, ` + "`" + `request_time` + "`" + ` (seconds), ` + "`" + `dnt` + "`" + `, ` + "`" + `sec_gpc` + "`" + `, ` + "`" + `cookie` + "`" + `, ` + "`" + `consent` + "`" + `.

The directives of a W3C log (` + "`" + `#Fields` + "`" + `, ` + "`" + `#Date` + "`" + `) hold for the lines after them, wherever reading starts or is taken up again. They are neither
counted nor refused.

## Behind syslog's header

` + "`" + `syslog:FORMAT` + "`" + ` reads FORMAT behind the header of a syslog message, such as ` + "`" + `syslog:combined_signals` + "`" + ` for nginx's ` + "`" + `access_log syslog:…` + "`" + ` in a
file that rsyslog writes; ` + "`" + `syslog` + "`" + ` alone finds FORMAT out, as ` + "`" + `auto` + "`" + ` does. Headers are those of RFC 5424 (with structured data) and RFC
3164, with or without ` + "`" + `<PRI>` + "`" + ` and a length before it, with the traditional time or that of RFC 3339, with or without a host name; a tag ends in
a colon, and ` + "`" + `@cee:` + "`" + ` may follow. The line's own time counts; the header's only where the line has none and the header's is of RFC 3339.
Messages that Throng receives itself (` + "`" + `syslog` + "`" + ` of a source) have lost their header before they are read; there time, host name and tag may
each be missing.

## Behind proxies

With ` + "`trusted_proxies: N`" + ` the client's address is the N-th hop from the right of X-Forwarded-For, which the format must have; else it is the
address of the connection. Forwarded (RFC 7239) counts where the format has no X-Forwarded-For.

| the header field has | the client's address is |
|---|---|
| N hops or more | the N-th from the right; what clients wrote left of it does not matter |
| fewer, or none | the connection's: the request did not come by all of the proxies |
| ` + "`unknown`" + `, an obfuscated identifier, a host name or junk at that place | unknown: the request is kept, but counts as no visit, since nothing tells its device from others |
| a port, brackets, a zone id, ` + "`::ffff:`" + ` at that place | the address without it |

One trusted proxy too many lets clients choose their address; one too few takes a proxy for all its clients.

## What is read, whatever the format

- Addresses: IPv4 and IPv6 in every spelling. A host name in an address's place is used for nothing and stored nowhere.
- Requests: a line with a request that is none (a TLS hello, ` + "`-`" + `, nothing) is kept without method and path. HTTP/0.9, ` + "`PRI * HTTP/2.0`" + `, CONNECT and
  targets in absolute form are read as what they are.
- Escapes: ` + "`\\xHH`, `\\\"`, `\\\\`, `\\n`, `\\t`, `\\uHHHH`" + ` as the servers write them; with ` + "`escape=none`" + ` nothing is an escape. Bytes that are not UTF-8 are kept.
- Lines: up to 1 MiB. One that is no access log (an error log, prose) is refused with the reason and the place; its content goes nowhere.

# Named formats
`

// TestFormatsDocument holds docs/formats.md to the table of formats.
func TestFormatsDocument(t *testing.T) {
	doc := []byte(formatsPreamble)
	for _, p := range accesslog.Presets() {
		doc = fmt.Appendf(doc, "\n## %s\n\n%s.\n", p.Name, p.Title)
		for _, s := range p.Snippets {
			doc = fmt.Appendf(doc, "\n%s:\n\n```%s\n%s\n```\n", s.Server, s.Language, s.Text)
		}
		doc = fmt.Appendf(doc, "\n%s\n", p.Notes)
	}
	golden(t, filepath.Join("..", "..", "docs", "formats.md"), doc)
}
