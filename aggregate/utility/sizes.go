package utility

import (
	"fmt"

	"throng"
	"throng/aggregate/dp"
)

// Size is what becomes of a cell with a certain number of devices.
type Size struct {
	Setting
	Devices int64
	// Distance is that of the device count from the gate, in standard deviations of its noise.
	Distance float64
	// Published is the share of draws that passed; the rest is given that they did.
	Published float64
	// DeviceError and VisitsError are medians of the relative error against the bounded truth.
	DeviceError, VisitsError float64
	// DevicesHeld and VisitsHeld are the shares of intervals that hold the truth.
	DevicesHeld, VisitsHeld float64
}

// visitsPerDevice is the number of bounded visits of a device in a cell, in hundredths: that of the 30
// days of a national archive's sites.
const visitsPerDevice = 150

// Sizes draws cells of the given numbers of devices, as often as draws says each.
func Sizes(s Setting, draws int, devices ...int64) ([]Size, error) {
	p, err := dp.Calibrate(dp.Budget{K: s.K, Epsilon: s.Epsilon}, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		return nil, fmt.Errorf("measure utility: %w", err)
	}
	m, err := dp.New(throng.DayPeriod, throng.PathTable, p)
	if err != nil {
		return nil, fmt.Errorf("measure utility: %w", err)
	}
	gate, _ := p.Draw(throng.DrawDevices)
	var out []Size
	for _, n := range devices {
		size := Size{Setting: s, Devices: n, Distance: float64(n-gate.Gate) / gate.Sigma}
		if err := size.draw(m, draws); err != nil {
			return nil, fmt.Errorf("measure utility: %w", err)
		}
		out = append(out, size)
	}
	return out, nil
}

func (s *Size) draw(m *dp.Mechanism, draws int) error {
	visits := s.Devices * visitsPerDevice / 100
	var deviceErrors, visitErrors []float64
	var devicesHeld, visitsHeld int64
	for range draws {
		gated, err := m.Gate(throng.DrawDevices, s.Devices)
		if err != nil {
			return err
		}
		d, passed := gated.Estimate()
		if !passed {
			continue
		}
		v, err := m.Visits(throng.DrawVisits, visits)
		if err != nil {
			return err
		}
		deviceErrors = append(deviceErrors, relative(d.Value, s.Devices))
		visitErrors = append(visitErrors, relative(v.Value, visits))
		devicesHeld += int64(held(d, s.Devices))
		visitsHeld += int64(held(v, visits))
	}
	n := int64(len(deviceErrors))
	s.Published = part(n, int64(draws))
	s.DeviceError, s.VisitsError = median(deviceErrors), median(visitErrors)
	s.DevicesHeld, s.VisitsHeld = part(devicesHeld, n), part(visitsHeld, n)
	return nil
}
