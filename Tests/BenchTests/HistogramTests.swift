import CTraffic
import Testing

@testable import Bench

@Suite struct HistogramTests {
  @Test func aBucketsMiddleFallsIntoTheBucket() {
    for bucket in 0..<Int(CT_BUCKETS) - 1 {
      let middle = UInt64(Histogram.nanoseconds(ofBucket: bucket))
      #expect(Int(ct_bucket(middle)) == bucket)
    }
  }

  @Test func bucketsFollowEachOtherAndAreNarrow() {
    var last: UInt32 = 0
    for value in UInt64(0)..<100_000 {
      let bucket = ct_bucket(value)
      #expect(bucket == last || bucket == last + 1)
      last = bucket
      let middle = Histogram.nanoseconds(ofBucket: Int(bucket))
      #expect(abs(middle - Double(value)) <= Double(value) / 16 + 1)
    }
    #expect(ct_bucket(.max) == UInt32(CT_BUCKETS) - 1)
  }

  @Test func quantiles() {
    var histogram = Histogram()
    #expect(histogram.quantile(0.5) == nil)
    histogram.add(98, toBucket: 3)
    histogram.add(1, toBucket: 7)
    histogram.add(1, toBucket: 9)
    #expect(histogram.quantile(0.5) == 3)
    #expect(histogram.quantile(0.98) == 3)
    #expect(histogram.quantile(0.99) == 7)
    #expect(histogram.quantile(0.999) == 9)
    #expect(histogram.quantile(1) == 9)
    #expect(histogram.quantile(0) == 3)
  }

  @Test func sumsAndDifferences() {
    var first = Histogram()
    first.add(3, toBucket: 5)
    var both = first
    var second = Histogram()
    second.add(4, toBucket: 5)
    second.add(1, toBucket: 6)
    both.add(second)
    #expect(both.count == 8)
    #expect(both - first == second)
  }

  @Test func medians() {
    #expect([Double]().median == nil)
    #expect([7.0].median == 7)
    #expect([9.0, 1, 5].median == 5)
    #expect([9.0, 1, 5, 7].median == 6)
  }

  @Test func oneSpoiltSliceDecidesNothing() {
    var sample = Sample()
    for slow in [10, 500, 11, 12, 10] {
      var slice = Histogram()
      slice.add(100, toBucket: slow)
      sample.latencies.append(slice)
    }
    #expect(sample.latency(0.99) == 11)
    #expect(sample.wholeLatency(0.99) == Histogram.nanoseconds(ofBucket: 500))
    #expect(Sample().latency(0.99) == nil)
  }
}
