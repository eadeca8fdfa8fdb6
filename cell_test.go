package throng_test

import (
	"encoding/json"
	"testing"

	"throng"
)

// Whatever way a measure is read, it is read as encoding/json reads an object of its fields: the number in
// it is that number, and what is no measure is refused.
func FuzzMeasureIsReadAsJSON(f *testing.F) {
	for _, seed := range []string{
		`{"value":1,"low":-2,"high":3}`, "{\n\t\"value\": 10,\n\t\"low\": 0,\n\t\"high\": 20\n}", `{"reason":"below_gate"}`, `{"value":01,"low":0,"high":2}`,
		`{"value":1,"low":1}`, `{"value":1,"low":1,"high":1,"x":0}`, `{"value ":1,"low":1,"high":1}`, `{"value":1.5,"low":1,"high":2}`, `{"value":--1,"low":1,"high":2}`,
		`{"value":-,"low":1,"high":2}`, `{"value":9223372036854775808,"low":1,"high":2}`, `{"high":3,"low":1,"value":2}`, `{"value":1,"low":1,"high":1}}`,
		`{"value":1,"low":1,"high":1,"reason":"below_gate"}`, `{"value":-0,"low":-0,"high":0}`, `null`, `[]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m throng.Measure
		err := json.Unmarshal([]byte(text), &m)
		var want struct {
			Value, Low, High *int64
			Reason           *throng.Reason
		}
		slow := json.Unmarshal([]byte(text), &want)
		e, number := m.Estimate()
		switch {
		case err != nil && slow == nil && want.Value != nil && want.Low != nil && want.High != nil && want.Reason == nil:
			t.Errorf("%q is refused: %v", text, err)
		case err == nil && slow != nil:
			t.Errorf("%q is accepted", text)
		case err == nil && number && (want.Value == nil || want.Low == nil || want.High == nil || e != throng.Estimate{Value: *want.Value, Low: *want.Low, High: *want.High}):
			t.Errorf("%q is read as %+v", text, e)
		}
	})
}
