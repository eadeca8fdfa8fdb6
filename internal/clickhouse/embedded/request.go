package embedded

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// request is one statement as it came over HTTP.
type request struct {
	// tag marks the statement in the engine, so that it can be ended; queryID is the client's name for
	// it, which need not be unique.
	tag, queryID string
	statement    string
	format       string
	// data is what an INSERT inserts; nil for every other statement and for INSERT … SELECT.
	data     io.Reader
	params   []parameter
	settings []parameter // sorted by name
	database string
	// readOnly is set for GET and where the client asks for it.
	readOnly bool
	// unframed says that the client looks for no error inside of a streamed result.
	unframed bool
	// revision is the revision of the Native format that the client can read.
	revision int
}

// transportParams are parameters of ClickHouse's HTTP interface that are no settings and say nothing
// here: there is no user and no quota, and what is not streamed is buffered whole.
var transportParams = map[string]bool{
	"user": true, "password": true, "quota_key": true, "buffer_size": true,
	"stacktrace": true, "role": true, "log_comment": true,
}

// unsupportedParams would change the meaning of the request.
var unsupportedParams = map[string]bool{
	"session_id": true, "session_timeout": true, "session_check": true, "compress": true, "decompress": true,
}

func parseRequest(r *http.Request) (*request, error) {
	req := &request{tag: rand.Text(), readOnly: r.Method == http.MethodGet || r.Method == http.MethodHead}
	req.format = "TabSeparated"
	query := r.URL.Query()
	if err := req.readParams(query); err != nil {
		return nil, err
	}
	if f := r.Header.Get("X-ClickHouse-Format"); f != "" {
		req.format = f
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, notSupported("Content-Encoding")
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil, notSupported("external tables")
	}
	body := io.Reader(http.NoBody)
	if r.Body != nil {
		body = r.Body
	}
	if err := req.readStatement(query.Get("query"), body); err != nil {
		return nil, err
	}
	return req, nil
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (req *request) readParams(query url.Values) error {
	for name, values := range query {
		if err := req.readParam(name, values[0]); err != nil {
			return err
		}
	}
	slices.SortFunc(req.settings, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	return nil
}

func (req *request) readParam(name, value string) (err error) {
	param, isParam := strings.CutPrefix(name, "param_")
	switch {
	case isParam:
		req.params = append(req.params, parameter{param, value})
	case name == "wait_end_of_query":
		req.unframed = value == "1"
	case name == "query", transportParams[name]:
	case name == "default_format":
		req.format = value
	case name == "database":
		req.database = value
	case name == "query_id":
		req.queryID = value
	case name == "readonly":
		req.readOnly = req.readOnly || value != "0"
	case name == "client_protocol_version":
		if req.revision, err = strconv.Atoi(value); err != nil {
			return newException(36, "BAD_ARGUMENTS", "client_protocol_version is not a number")
		}
	case unsupportedParams[name]:
		if value != "0" {
			return notSupported(name)
		}
	case !settingName.MatchString(name):
		return newException(codeUnknownSet, "UNKNOWN_SETTING", "Unknown setting")
	default:
		req.settings = append(req.settings, parameter{name, value})
	}
	return nil
}

func notSupported(what string) error {
	return newException(codeNotSupported, "NOT_IMPLEMENTED", what+" is not supported by the embedded engine")
}

// readStatement finds the statement in the parameter query, in the body, or in both, one after the
// other, as a ClickHouse server does.
func (req *request) readStatement(query string, body io.Reader) error {
	if statement, format, data, ok := splitInsert(query); ok {
		req.statement, req.format, req.data = statement, format, io.MultiReader(strings.NewReader(data), body)
		return nil
	}
	rest, err := io.ReadAll(body)
	if err != nil {
		return newException(codeCannotRead, "CANNOT_READ_ALL_DATA", "Cannot read the request")
	}
	text := strings.TrimSpace(query + "\n" + string(rest))
	if text == "" {
		return newException(codeSyntax, "SYNTAX_ERROR", "Empty query")
	}
	if statement, format, data, ok := splitInsert(text); ok {
		req.statement, req.format, req.data = statement, format, strings.NewReader(data)
		return nil
	}
	req.statement, req.format = text, outputFormat(text, req.format)
	return nil
}

// set is the SET statement that a connection needs before the statement, and reset the one after.
func (req *request) set() string {
	b := []byte("SET log_comment=" + literal(req.tag))
	for _, s := range req.settings {
		b = fmt.Appendf(b, ", %s=%s", s.name, literal(s.value))
	}
	return string(b)
}

func (req *request) reset() string {
	b := []byte("SET log_comment=DEFAULT")
	for _, s := range req.settings {
		b = fmt.Appendf(b, ", %s=DEFAULT", s.name)
	}
	return string(b)
}

// streams tells whether the output can be sent as it comes. Only formats without head and foot can:
// the engine repeats those for every piece.
func (req *request) streams() bool {
	f := strings.ToLower(req.format)
	v := verb(req.statement)
	return (f == "native" || f == "jsoneachrow") && (v == "SELECT" || v == "WITH")
}
