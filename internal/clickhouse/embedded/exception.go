package embedded

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// exception is an error of the engine, or one that a ClickHouse server would give in its place.
type exception struct {
	code    int
	name    string // such as UNKNOWN_TABLE; "" is unknown
	message string // as the engine wrote it, from "Code: "
}

func (e *exception) Error() string { return e.message }

// Exception is the code and, where it is known, the name.
func (e *exception) Exception() (code int, name string) { return e.code, e.name }

var errNoResult = newException(1002, "UNKNOWN_EXCEPTION", "The engine gave no result")

// Codes of src/Common/ErrorCodes.cpp that are told apart here.
const (
	codeSyntax       = 62
	codeCannotRead   = 33
	codeNoData       = 108
	codeUnknownSet   = 115
	codeReadonly     = 164
	codeNotSupported = 48
	codeTimeout      = 159
	codeUnknown      = 1002

	codeAuthentication = 516
)

func newException(code int, name, text string) *exception {
	return &exception{code, name, fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, text, name)}
}

var (
	exceptionCode = regexp.MustCompile(`Code:\s*(\d+)\.`)
	exceptionName = regexp.MustCompile(`\(([A-Z][A-Z0-9_]+)\)`)
)

// parseException reads the form "Code: N. DB::Exception: … (NAME)".
func parseException(message string) *exception {
	e := &exception{code: codeUnknown, message: strings.TrimRight(message, "\n")}
	if m := exceptionCode.FindStringSubmatch(message); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			e.code = n
		}
	}
	if all := exceptionName.FindAllStringSubmatch(message, -1); all != nil {
		e.name = all[len(all)-1][1]
	}
	return e
}

// asException gives any error the form of an exception.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return newException(codeUnknown, "UNKNOWN_EXCEPTION", err.Error())
}

// status is the HTTP status that a server would answer with. Clients read the code, not this.
func (e *exception) status() int {
	switch e.code {
	case codeReadonly, codeAuthentication, 497, 291:
		return http.StatusForbidden
	case 60, 81:
		return http.StatusNotFound
	case codeTimeout:
		return http.StatusRequestTimeout
	case codeNotSupported:
		return http.StatusNotImplemented
	case codeSyntax, codeNoData, codeUnknownSet, codeCannotRead, 36, 47, 16, 46, 53, 6, 27, 26, 456, 457:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}
