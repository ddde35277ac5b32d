// The exponential function and its relatives, done as Go does them on x86, where the C library's differ in the last bit.
extension GoMath {
    /// The exponential function: a Taylor series around the nearest power of two (Shibata 2010), each step fused.
    public static func exp(_ value: Double) -> Double {
        if value.isNaN || value == .infinity { return value }
        if value > 7.09782712893384e+02 { return .infinity }
        if value < -1100 { return 0 }
        let scaled = (value * 1.4426950408889634).rounded(.toNearestOrEven)
        var x = value.addingProduct(-scaled, 0.69314718055966295651160180568695068359375)
        x = x.addingProduct(-scaled, 0.28235290563031577122588448175013436025525412068e-12)
        x *= 0.0625
        var sum = 2.4801587301587301587e-5
        sum = 1.9841269841269841270e-4.addingProduct(x, sum)
        sum = 1.3888888888888888889e-3.addingProduct(x, sum)
        sum = 8.3333333333333333333e-3.addingProduct(x, sum)
        sum = 4.1666666666666666667e-2.addingProduct(x, sum)
        sum = 1.6666666666666666667e-1.addingProduct(x, sum)
        sum = 0.5.addingProduct(x, sum)
        sum = 1.0.addingProduct(x, sum)
        // (1 + x)² - 1 = x (x + 2), four times for the sixteenth part.
        x *= sum
        x *= x + 2
        x *= x + 2
        x *= x + 2
        x = 1.0.addingProduct(x + 2, x)
        let exponent = Int(scaled) + 1023
        if exponent > 0 {
            return exponent < 2047 ? x * Double(bitPattern: UInt64(exponent) << 52) : .infinity
        }
        return exponent < -52 ? 0 : x * Double(bitPattern: UInt64(exponent + 1022) << 52) * 0x1p-1022
    }

    /// The logarithm of one more than the value, by the approximation of FreeBSD's msun.
    public static func log1p(_ x: Double) -> Double {
        if x.isNaN || x < -1 { return .nan }
        if x == -1 { return -.infinity }
        if x == .infinity { return x }
        var (f, k, correction) = (x, 0, 0.0)
        var isTiny = false
        if x.magnitude < 4.142135623730950488017e-01, x.magnitude < 0x1p-29 {
            return x.magnitude < 0x1p-54 ? x : x - x * x * 0.5
        }
        if x.magnitude >= 4.142135623730950488017e-01 || x <= -2.928932188134524755992e-01 {
            var u = x
            if x.magnitude < 0x1p53 {
                u = 1 + x
                k = Int(u.bitPattern >> 52) - 1023
                correction = (k > 0 ? 1 - (u - x) : x - (u - 1)) / u
            } else {
                k = Int(u.bitPattern >> 52) - 1023
            }
            let fraction = u.bitPattern & 0x000f_ffff_ffff_ffff
            if fraction < 0x0006_a09e_667f_3bcd {
                isTiny = fraction == 0
                u = Double(bitPattern: fraction | 0x3ff0_0000_0000_0000)
            } else {
                k += 1
                isTiny = (0x0010_0000_0000_0000 - fraction) >> 2 == 0
                u = Double(bitPattern: fraction | 0x3fe0_0000_0000_0000)
            }
            f = u - 1
        }
        let (high, low) = (Double(k) * 6.93147180369123816490e-01, Double(k) * 1.90821492927058770002e-10)
        let half = 0.5 * f * f
        if isTiny {
            if f == 0 { return k == 0 ? 0 : high + (correction + low) }
            let rest = half * (1 - 0.66666666666666666 * f)
            return k == 0 ? f - rest : high - ((rest - (low + correction)) - f)
        }
        let s = f / (2 + f)
        let z = s * s
        var sum = 1.531383769920937332e-01 + z * 1.479819860511658591e-01
        sum = 1.818357216161805012e-01 + z * sum
        sum = 2.222219843214978396e-01 + z * sum
        sum = 2.857142874366239149e-01 + z * sum
        sum = 3.999999999940941908e-01 + z * sum
        let series = z * (6.666666666666735130e-01 + z * sum)
        if k == 0 { return f - (half - s * (half + series)) }
        return high - ((half - (s * (half + series) + (low + correction))) - f)
    }

    /// Hyperbolic sine: a quotient of polynomials for small values (Hart & Cheney), the exponential function for others.
    public static func sinh(_ value: Double) -> Double {
        let x = value.magnitude
        let result: Double
        if x > 21 {
            result = exp(x) * 0.5
        } else if x > 0.5 {
            let power = exp(x)
            result = (power - 1 / power) * 0.5
        } else {
            let square = x * x
            var upper = -0.2630563213397497062819489e+2 * square + -0.2894211355989563807284660366e+4
            upper = upper * square + -0.8991272022039509355398013511e+5
            upper = (upper * square + -0.6307673640497716991184787251e+6) * x
            var lower = (square + -0.173678953558233699533450911e+3) * square
            lower = (lower + 0.1521517378790019070696485176e+5) * square + -0.6307673640497716991212077277e+6
            result = upper / lower
        }
        // The sign of zero stays; that of NaN does not matter.
        return value < 0 ? -result : (value == 0 ? value : result)
    }

    /// Hyperbolic cosine.
    public static func cosh(_ value: Double) -> Double {
        let x = value.magnitude
        let power = exp(x)
        return x > 21 ? power * 0.5 : (power + 1 / power) * 0.5
    }

    /// Hyperbolic tangent, by the approximation of the Cephes library.
    public static func tanh(_ value: Double) -> Double {
        let x = value.magnitude
        if x > 0.5 * 8.8029691931113054295988e+01 { return value < 0 ? -1 : 1 }
        if x >= 0.625 {
            let result = 1 - 2 / (exp(2 * x) + 1)
            return value < 0 ? -result : result
        }
        if value == 0 { return value }
        let square = value * value
        let upper =
            (-9.64399179425052238628e-1 * square + -9.92877231001918586564e1) * square + -1.61468768441708447952e3
        let lower =
            ((square + 1.12811678491632931402e2) * square + 2.23548839060100448583e3) * square
            + 4.84406305325125486048e3
        return value + value * square * upper / lower
    }

    /// Inverse hyperbolic sine.
    public static func asinh(_ value: Double) -> Double {
        if !value.isFinite { return value }
        let x = value.magnitude
        let result: Double
        if x > 0x1p28 {
            result = log(x) + 6.93147180559945286227e-01
        } else if x > 2 {
            result = log(2 * x + 1 / ((x * x + 1).squareRoot() + x))
        } else if x < 0x1p-28 {
            result = x
        } else {
            result = log1p(x + x * x / (1 + (1 + x * x).squareRoot()))
        }
        return value < 0 ? -result : (value == 0 ? value : result)
    }

    /// Inverse hyperbolic cosine.
    public static func acosh(_ value: Double) -> Double {
        if value.isNaN || value < 1 { return .nan }
        if value == 1 { return 0 }
        if value >= 0x1p28 { return log(value) + 6.93147180559945309417e-01 }
        if value > 2 { return log(2 * value - 1 / (value + (value * value - 1).squareRoot())) }
        let t = value - 1
        return log1p(t + (2 * t + t * t).squareRoot())
    }

    /// Inverse hyperbolic tangent.
    public static func atanh(_ value: Double) -> Double {
        if value.isNaN || value.magnitude > 1 { return .nan }
        if value.magnitude == 1 { return value * .infinity }
        let x = value.magnitude
        let result: Double
        if x < 0x1p-28 {
            result = x
        } else if x < 0.5 {
            let twice = x + x
            result = 0.5 * log1p(twice + twice * x / (1 - x))
        } else {
            result = 0.5 * log1p((x + x) / (1 - x))
        }
        return value < 0 ? -result : (value == 0 ? value : result)
    }
}
