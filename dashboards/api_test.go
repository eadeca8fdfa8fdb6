package dashboards_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"throng"
	"throng/dashboards"
)

// description is the served OpenAPI document with its schemas, which are those of JSON Schema 2020-12.
type description struct {
	Paths map[string]struct {
		Get struct {
			Parameters []struct {
				Name, In string
				Required bool
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]string }
			}
		}
	}
	schemas *jsonschema.Compiler
}

func described(t *testing.T, h http.Handler) *description {
	t.Helper()
	body := get(h, "/api/v1/openapi.json").Body.Bytes()
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	d.schemas = jsonschema.NewCompiler()
	if err := d.schemas.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return &d
}

// check compares an answer with what the description says of its path and status.
func (d *description) check(t *testing.T, pattern, query string, w *httptest.ResponseRecorder) {
	t.Helper()
	operation := d.Paths[pattern].Get
	content, ok := operation.Responses[strconv.Itoa(w.Code)].Content[w.Header().Get("Content-Type")]
	if !ok {
		t.Fatalf("%s: status %d as %s is not described", pattern, w.Code, w.Header().Get("Content-Type"))
	}
	schema, err := d.schemas.Compile("openapi.json" + content.Schema["$ref"])
	if err != nil {
		t.Fatal(err)
	}
	answer, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(answer); err != nil {
		t.Errorf("%s: %v", pattern, err)
	}
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range operation.Parameters {
		if p.In == "path" && (!p.Required || !strings.Contains(pattern, "{"+p.Name+"}")) {
			t.Errorf("%s: parameter %s is in the path, and the path has none", pattern, p.Name)
		}
		delete(form, p.Name)
	}
	for name := range form {
		t.Errorf("%s: parameter %s is tested and not described", pattern, name)
	}
}

// Every path of the description is asked, and every answer is what it describes: of requests that are
// right, and of those that are refused.
func TestAPIAnswersAsDescribed(t *testing.T) {
	h := serve(t, twoMonths(t))
	v := described(t, h)
	asked := map[string]bool{}
	for _, c := range []struct {
		target string
		status int
	}{
		{"/sites", 200},
		{"/sites/example", 200},
		{"/sites/example?by=month", 200},
		{"/sites/example?until=2026-10-09--2026-10-16", 200},
		{"/sites/nowhere", 404},
		{"/sites/example/releases", 200},
		{"/sites/example/releases?table=country&by=day", 200},
		{"/sites/example/path/2026-11-21", 200},
		{"/sites/example/path/2026-11-21?limit=3&page=2&sort=path&q=research&only=pages&in=/www.example.org/", 200},
		{"/sites/example/path/2026-10", 200},
		{"/sites/example/path/2026-11-09--2026-11-16", 200},
		{"/sites/example/country/2026-11-21?sort=-devices", 200},
		{"/sites/example/path/1999-01-01", 404},
		{"/sites/example/path/2026-11-21?limit=0", 400},
		{"/sites/example/path/2026-11-21?limit=x", 400},
		{"/sites/example/history?key=/www.example.org/jobs", 200},
		{"/sites/example/history?key=/never/seen&by=month", 200},
		{"/sites/example/history?prefix=/www.example.org/research/&until=2026-11-01", 200},
		{"/sites/example/history?key=US&table=country", 200},
		{"/sites/example/history", 400},
		{"/sites/example/compare", 200},
		{"/sites/example/compare?a=2026-10&b=2026-11&limit=5&page=2&sort=path", 200},
		{"/sites/example/compare?a=2026-10&b=2026-11-21", 400},
		{"/sites/example/compare?a=1999-01-01&b=2026-11-21", 404},
		{"/sites/example/compare?a=2026-W45&b=2026-W46", 200},
		{"/sites/example/compare?b=2026-W46&q=research&sort=path", 200},
		{"/sites/example/compare?a=2026-W45&b=2026-11-21", 400},
		{"/sites/example/compare?a=2026-W45&b=2026-W47", 404},
	} {
		t.Run(c.target, func(t *testing.T) {
			w := get(h, "/api/v1"+c.target)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d", w.Code, c.status)
			}
			_, query, _ := strings.Cut(c.target, "?")
			v.check(t, pathOf(c.target), query, w)
		})
		asked[pathOf(c.target)] = true
	}
	for path := range v.Paths {
		if !asked[path] {
			t.Errorf("%s is described and not tested", path)
		}
	}
}

// pathOf is the pattern of an address of these tests.
func pathOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	parts := strings.Split(strings.TrimPrefix(target, "/"), "/")
	if len(parts) > 1 {
		parts[1] = "{site}"
	}
	if len(parts) == 4 {
		parts[2], parts[3] = "{table}", "{period}"
	}
	return "/" + strings.Join(parts, "/")
}

func TestAPIRefusesWhatIsNotReading(t *testing.T) {
	h := serve(t, twoMonths(t))
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		w := ask(h, method, "/api/v1/sites")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", method, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := get(h, "/api/v1/"); w.Code != 303 || w.Header().Get("Location") != "/api/v1/openapi.json" {
		t.Errorf("the beginning of the API leads nowhere: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := get(h, "/api/v1/nothing"); w.Code != 404 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("an unknown address: %d %s", w.Code, w.Body)
	}
}

func decode[T any](t *testing.T, h http.Handler, target string) T {
	t.Helper()
	var v T
	w := get(h, target)
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("%s: status %d: %v", target, w.Code, err)
	}
	return v
}

type apiRows struct {
	TotalRows int          `json:"total_rows"`
	Rows      []throng.Row `json:"rows"`
	Next      string       `json:"next"`
}

// Following next gives every row once, in the order that was asked for.
func TestAPIPagesGiveEveryRowOnce(t *testing.T) {
	h := serve(t, twoMonths(t))
	for _, sort := range []string{"path", "-path", "visits", "-visits", "-devices"} {
		var keys []string
		total := 0
		for next := "/api/v1/sites/example/path/2026-11-21?limit=7&sort=" + sort; next != ""; {
			page := decode[apiRows](t, h, next)
			for _, row := range page.Rows {
				keys = append(keys, row.Key)
			}
			next, total = page.Next, page.TotalRows
		}
		if sort == "path" && !slices.IsSorted(keys) {
			t.Error("rows sorted by path are not")
		}
		if slices.Sort(keys); len(keys) != total || len(slices.Compact(keys)) != total {
			t.Errorf("sorted by %s, the pages have %d rows, want %d different ones", sort, len(keys), total)
		}
	}
}

// The difference of two independent noisy numbers is more than noise where its interval, the root of the
// summed squares, leaves out 0.
func TestAPIDifferencesHaveTheirOwnInterval(t *testing.T) {
	type estimate struct{ Value, Low, High int64 }
	h := serve(t, twoMonths(t))
	compared := decode[struct {
		Rows []struct {
			Key        string
			A, B       throng.Measure
			Difference *struct {
				estimate
				MoreThanNoise bool `json:"more_than_noise"`
			}
		}
	}](t, h, "/api/v1/sites/example/compare?limit=1000&sort=path")
	seen := map[bool]int{}
	for _, row := range compared.Rows {
		a, okA := row.A.Estimate()
		b, okB := row.B.Estimate()
		if row.Difference == nil {
			if okA && okB {
				t.Errorf("%s: no difference of two numbers", row.Key)
			}
			continue
		}
		half := int64(math.Ceil(math.Hypot(float64(b.High-b.Low)/2, float64(a.High-a.Low)/2)))
		want := estimate{b.Value - a.Value, b.Value - a.Value - half, b.Value - a.Value + half}
		if row.Difference.estimate != want {
			t.Errorf("%s: difference %+v, want %+v", row.Key, row.Difference.estimate, want)
		}
		if real := want.Low > 0 || want.High < 0; real != row.Difference.MoreThanNoise {
			t.Errorf("%s: more than noise: %t, want %t", row.Key, row.Difference.MoreThanNoise, real)
		}
		seen[row.Difference.MoreThanNoise]++
	}
	if seen[true] == 0 {
		t.Error("no difference is more than noise")
	}
}

// A prefix has the sum of its rows in every period, and no devices.
func TestAPIHistoryOfAPrefixIsTheSumOfItsRows(t *testing.T) {
	h := serve(t, twoMonths(t))
	const prefix = "/www.example.org/research/"
	history := decode[struct {
		Points []struct {
			Period          throng.Period
			Visits, Devices throng.Measure
			Rows            int
		}
	}](t, h, "/api/v1/sites/example/history?prefix="+prefix)
	for _, p := range history.Points {
		var parts []throng.Estimate
		for _, row := range decode[apiRows](t, h, "/api/v1/sites/example/path/"+p.Period.String()+"?limit=1000&in="+prefix).Rows {
			e, _ := row.Visits.Estimate()
			parts = append(parts, e)
		}
		got, ok := p.Visits.Estimate()
		if want := throng.SumOf(parts); !ok || got != want || p.Rows != len(parts) {
			t.Errorf("%s: %+v of %d rows, want %+v of %d", p.Period, got, p.Rows, want, len(parts))
		}
		if _, ok := p.Devices.Estimate(); ok {
			t.Errorf("%s: devices of several rows were added up", p.Period)
		}
	}
}

func TestParquetHoldsTheTableAndItsParameters(t *testing.T) {
	h := serve(t, twoMonths(t))
	body := get(h, example+"/path/2026-11-21.parquet").Body.Bytes()
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Path           string `parquet:"path"`
		Visits         *int64 `parquet:"visits,optional"`
		VisitsLow      *int64 `parquet:"visits_low,optional"`
		VisitsReason   string `parquet:"visits_reason"`
		OptedOutVisits *int64 `parquet:"opted_out_visits,optional"`
	}
	lines, err := parquet.Read[line](bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	published := decode[throng.Release](t, h, example+"/path/2026-11-21.json")
	if want := len(published.Rows) + len(published.OptedOut); len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for i, row := range published.Rows {
		e, _ := row.Visits.Estimate()
		if lines[i].Path != row.Key || lines[i].Visits == nil || *lines[i].Visits != e.Value || *lines[i].VisitsLow != e.Low || lines[i].OptedOutVisits != nil {
			t.Errorf("line %d: %+v, want %+v", i, lines[i], row)
		}
	}
	var parameters throng.Parameters
	text, _ := file.Lookup("throng.parameters")
	if err := json.Unmarshal([]byte(text), &parameters); err != nil || parameters.K != published.Parameters.K || len(parameters.Draws) != len(published.Parameters.Draws) {
		t.Errorf("parameters %q: %v", text, err)
	}
	if sum, _ := file.Lookup("throng.sha256"); sum != hashOf(get(h, example+"/path/2026-11-21.json").Body.Bytes()) {
		t.Errorf("sha256 %q is not that of the JSON file", sum)
	}
}

func TestParquetSaysWhatIsNotSafeToPublish(t *testing.T) {
	stored := &dashboards.Stored{Release: release(t, "demo", "2026-11-21", row("/a", 900, 700))}
	stored.Parameters.Watermark = "Demonstration."
	var b bytes.Buffer
	if err := dashboards.WriteParquet(&b, stored); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := file.Lookup("throng.watermark"); got != "Demonstration." {
		t.Errorf("watermark %q", got)
	}
}
