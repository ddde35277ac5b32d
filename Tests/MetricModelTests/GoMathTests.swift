import MetricModel
import Testing

@Suite("Mathematics as Go does it", .timeLimit(.minutes(5)))
struct GoMathTests {
    enum Function: String, CaseIterable, Sendable {
        case exp, sinh, cosh, tanh, asinh, acosh, atanh, sin, cos, tan, ln, log2, log10, asin, acos, atan

        var call: (Double) -> Double {
            switch self {
            case .exp: GoMath.exp
            case .sinh: GoMath.sinh
            case .cosh: GoMath.cosh
            case .tanh: GoMath.tanh
            case .asinh: GoMath.asinh
            case .acosh: GoMath.acosh
            case .atanh: GoMath.atanh
            case .sin: GoMath.sin
            case .cos: GoMath.cos
            case .tan: GoMath.tan
            case .ln: GoMath.log
            case .log2: GoMath.log2
            case .log10: GoMath.log10
            case .asin: GoMath.asin
            case .acos: GoMath.acos
            case .atan: GoMath.atan
            }
        }
    }

    /// Made by Go's `math` on x86-64: argument and result as bits.
    static let table: [(Function, UInt64, UInt64)] = [
        (.exp, 0x3ebc1560d6cd92f8, 0x3ff00001c1562612),
        (.exp, 0xbef04b874aa72cc5, 0x3fefffdf6902031f),
        (.exp, 0x3fd212f69f2aba88, 0x3ff5389a4427b2e9),
        (.exp, 0x3fe6a0b1e34f99c0, 0x4000399e3a717c9e),
        (.exp, 0x3ffe2f79fefbad5e, 0x401a632a622ff37a),
        (.exp, 0x4054000000000000, 0x47255779b984f3eb),
        (.exp, 0xc077700000000000, 0x1e1fc3cdbc9858c5),
        (.exp, 0xc087480000000000, 0x0000000000000001),
        (.sinh, 0x3ec43d51a9c518e8, 0x3ec43d51a9c52e7f),
        (.sinh, 0xbef0eb28ff57f5d7, 0xbef0eb28ff5b1cf8),
        (.sinh, 0x3fd2cec725b5d2e0, 0x3fd31460e4184144),
        (.sinh, 0xbfe703c9a54f17fa, 0xbfe90d06606ac839),
        (.sinh, 0xbffeb0ebcfb7b622, 0xc00aa5a8b9087caf),
        (.sinh, 0x40530c91f6343893, 0x46be722d7c94ef31),
        (.sinh, 0xc074900000000000, 0xdd890c7cde176cfa),
        (.sinh, 0x4086280000000000, 0x7fcd422d2be5dc9b),
        (.cosh, 0x3ed04993076378c9, 0x3ff00000000084a4),
        (.cosh, 0x3ef6b3e616762aad, 0x3ff0000000101b50),
        (.cosh, 0xbfd3c5f61ca28fd0, 0x3ff0c50d2b07b29e),
        (.cosh, 0x3fe75dffccf4e558, 0x3ff47572874b8d74),
        (.cosh, 0xbffd83a8a4a4674a, 0x4009ef89de6b92bd),
        (.cosh, 0xc051e8a35a8b5dea, 0x46545b427a7ae7ea),
        (.cosh, 0xc074e00000000000, 0x5dfd0b23222ba489),
        (.cosh, 0xc086280000000000, 0x7fcd422d2be5dc9b),
        (.tanh, 0x3ec3a5574739324e, 0x3ec3a55747390ad0),
        (.tanh, 0x3ee38ba70aad2d50, 0x3ee38ba70aaabf12),
        (.tanh, 0x3f9453b488bad040, 0x3f94530596180228),
        (.tanh, 0xbfd1cecbcdb7ecb4, 0xbfd15cadf54a99cc),
        (.tanh, 0x3fe1cd4d9046052e, 0x3fe02ae3ad0b7c29),
        (.tanh, 0xbfeb2734196d8b1e, 0xbfe616f7aedae718),
        (.tanh, 0xbffd258bf768eeb7, 0xbfee5e3e58dcecfc),
        (.tanh, 0xc033000000000000, 0xbfefffffffffffff),
        (.asinh, 0x3ed5190b0fa1264a, 0x3ed5190b0fa0c477),
        (.asinh, 0xbfb35b2437b8e268, 0xbfb3566ead1db64a),
        (.asinh, 0xbfe2290a75416bf9, 0xbfe14df473ff2f8d),
        (.asinh, 0x3ffa2e416df81bfa, 0x3ff449fc6cc57e36),
        (.asinh, 0x4056b6361a5d214e, 0x4014cf3619f1e99b),
        (.asinh, 0xc082800000000000, 0xc01c4e7e8658db59),
        (.asinh, 0x474f6278591fc5a1, 0x40549dc4282b367e),
        (.asinh, 0x7fdfa240c46324e7, 0x40862e2b6c933162),
        (.acosh, 0x3ffdea4a01e33e00, 0x3ff3cfca24f28f52),
        (.acosh, 0x404a7585f8663708, 0x4012a5b00632c4ef),
        (.acosh, 0x4061c00000000000, 0x4016988973d5af09),
        (.acosh, 0x407de00000000000, 0x401b73768605fb25),
        (.acosh, 0x4093d2b36e5bdade, 0x401f5b022fe9d05b),
        (.acosh, 0x42b1c7eeccd32a60, 0x403f4c12f38a00d1),
        (.acosh, 0x5ee99929ece8eeea, 0x40758455c3bc6b41),
        (.acosh, 0x7fed93cc9ba2e844, 0x4086332d53ec42d7),
        (.atanh, 0x3ebf88ad95afb496, 0x3ebf88ad95afdd6a),
        (.atanh, 0x3ee06bbd9c28e016, 0x3ee06bbd9c2a5112),
        (.atanh, 0x3ef96ed5b34509d8, 0x3ef96ed5b35a757c),
        (.atanh, 0xbfc291723e67fd00, 0xbfc2b33778ce293a),
        (.atanh, 0xbfd7614b1485b990, 0xbfd88322a91bd4fc),
        (.atanh, 0x3fe3d36b172846d3, 0x3fe72d5c72ef2982),
        (.atanh, 0x3febc20c07dd5c89, 0x3ff52981dcff1bdb),
        (.atanh, 0xbfefffd1e379b055, 0xc016d619e2b0e008),
        (.sin, 0xbed510586d339ecc, 0xbed510586d333d72),
        (.sin, 0xbfb68bd300850540, 0xbfb6845d96f9a993),
        (.sin, 0x3fe2c1bf13751838, 0x3fe1b37926367662),
        (.sin, 0xbffafd2bfa539ab6, 0xbfefc8eef943a1fe),
        (.sin, 0xc0573539ba59c30f, 0x3fef9e36a6c05fa6),
        (.sin, 0xc082c00000000000, 0xbfa69f14f549038a),
        (.sin, 0x47e534156201ab6e, 0xbfe111fd2ef001d3),
        (.sin, 0xffd090a8ecf5bee0, 0x3fe6b788f5d09679),
        (.cos, 0xbed44e4d82af7804, 0x3feffffffffe63ac),
        (.cos, 0xbfb31e860ca19398, 0x3fefe929ff3a11b0),
        (.cos, 0xbfe1ab21394de0a6, 0x3feb3eb3ca8f24a3),
        (.cos, 0xbff5cd2bf1e2cac2, 0x3fca754ba9989dc7),
        (.cos, 0x4054aeac80b6ae37, 0x3fdff675e17e7a75),
        (.cos, 0xc081400000000000, 0x3fe360e09c88e2dd),
        (.cos, 0xc83396719cb9af6a, 0xbfe797f669ff0757),
        (.cos, 0xffd71053062cf3dd, 0x3fd37058b7992cb1),
        (.tan, 0xbed609e2d6dd5d4f, 0xbed609e2d6de3c50),
        (.tan, 0xbfb5e158c29c2eb0, 0xbfb5ef06b0083a7e),
        (.tan, 0xbfe2cd6e57992a83, 0xbfe5504c8a86ac03),
        (.tan, 0x3ff7b6a51d52dad0, 0x40267cc6bc7fa96d),
        (.tan, 0xc055de53abdf9ca1, 0x3fe11947383ea862),
        (.tan, 0x4081c80000000000, 0x3fd8f35feb9853a9),
        (.tan, 0xc8f7e161add55628, 0xbfe5f01778c9b87e),
        (.tan, 0x7fe9efc1408a89da, 0x403073d2dfc49ab2),
        (.ln, 0x3b6c8a7a0b288cce, 0xc04902afed83ca2e),
        (.ln, 0x3eddb440263344a8, 0xc027b74595885f0e),
        (.ln, 0x3fcc2a7bb621eb84, 0xbff8390076217562),
        (.ln, 0x3fec2720810c3ac0, 0xbfc0652d4ba82a29),
        (.ln, 0x404e4952ebe4539f, 0x40106a56c7457f5e),
        (.ln, 0x4081380000000000, 0x40193f3768e958a6),
        (.ln, 0x443370da60da2ccc, 0x4047aa15f5b9fb8a),
        (.ln, 0x7fcef81cc6cde46a, 0x408622e8ceab3a5d),
        (.log2, 0x3bc8d3a758b064b5, 0xc050976f6a182338),
        (.log2, 0x3ededc476ba032d0, 0xc0310d6453a58648),
        (.log2, 0x3fce6a8bd79123f0, 0xc00095fabd9d6bdb),
        (.log2, 0x3feca2739b345ecc, 0xbfc48528445b1853),
        (.log2, 0x40509d9c75fd46d3, 0x401837c7a001cc9e),
        (.log2, 0x4083300000000000, 0x402286314baaa154),
        (.log2, 0x44596fb101dbab8c, 0x4051aacde43b6c6e),
        (.log2, 0x7fd9e0e0292a60d1, 0x408ff58ca6ded4d5),
        (.log10, 0x3ba2e6b785eb3a5d, 0xc034b2ddf75d4e31),
        (.log10, 0x3ede65d645c3de26, 0xc0148f2c61b3f3ed),
        (.log10, 0x3fcc8928744bf0fc, 0xbfe4dbb649a411d7),
        (.log10, 0x3fed10e243e7f396, 0xbfa56246e3a4e48e),
        (.log10, 0x4052028d7ab482de, 0x3ffdb89e7a91a1ae),
        (.log10, 0x4084480000000000, 0x40067f7a25c8db2e),
        (.log10, 0x44c7407050320940, 0x40375776061d02dd),
        (.log10, 0x7fec0c9c600394fd, 0x40734328e822af5a),
        (.asin, 0xbec09269aaa14c02, 0xbec09269aaa157dc),
        (.asin, 0x3edf519de12ea49a, 0x3edf519de12fe49a),
        (.asin, 0xbef51df073b79da6, 0xbef51df073bdbf14),
        (.asin, 0x3fc138326b7c54d0, 0x3fc1459a4dd5b35c),
        (.asin, 0xbfd7db8d29b7b2ae, 0xbfd872a87105a57f),
        (.asin, 0xbfe3507917e26cf9, 0xbfe4bc36c75185af),
        (.asin, 0xbfeb839fa1f190f0, 0xbff08effaf8dd1f7),
        (.asin, 0xbfeffff228f71cc0, 0xbff91319d4674fc6),
        (.acos, 0xa2055341e4706dc0, 0x3ff921fb54442d18),
        (.acos, 0xbe6b9fe37e1c05a1, 0x3ff921fb62141ed7),
        (.acos, 0x3ed985045a3a9e1d, 0x3ff921f4f3031689),
        (.acos, 0x3ef81c50e00d4510, 0x3ff921e337f34d02),
        (.acos, 0xbfcb1fdb2636c84c, 0x3ffc8c9849ef1406),
        (.acos, 0xbfe00ad65b4938e8, 0x4000c4737603ee65),
        (.acos, 0x3fea640f9a10d63e, 0x3fe33c345ad451e3),
        (.acos, 0xbff0000000000000, 0x400921fb54442d18),
        (.atan, 0xbed4107b6041defa, 0xbed4107b604136b2),
        (.atan, 0x3fb436c1894005a4, 0x3fb42c0aa5ffba6b),
        (.atan, 0x3fe24f2ae2d090de, 0x3fe0a1629c817782),
        (.atan, 0xbff9be979229c078, 0xbff03c4ed69d2e5e),
        (.atan, 0x4057000000000000, 0x3ff8f5763678c847),
        (.atan, 0xc082800000000000, 0xbff91b10166d649a),
        (.atan, 0x46d01497a5b4148a, 0x3ff921fb54442d18),
        (.atan, 0xffeff471e6337aed, 0xbff921fb54442d18),
    ]

    @Test("To the last bit")
    func bits() {
        for (function, argument, result) in Self.table {
            let argument = Double(bitPattern: argument)
            #expect(function.call(argument).bitPattern == result, "\(function) of \(argument)")
        }
    }

    @Test("Where there is nothing to calculate", arguments: Function.allCases)
    func special(function: Function) {
        #expect(function.call(.nan).isNaN)
        switch function {
        case .exp: #expect([-.infinity, 0, 710, .infinity].map(function.call) == [0, 1, .infinity, .infinity])
        case .sinh, .asinh: #expect([-.infinity, -0.0, .infinity].map(function.call) == [-.infinity, -0.0, .infinity])
        case .cosh: #expect([-.infinity, 0, .infinity].map(function.call) == [.infinity, 1, .infinity])
        case .tanh: #expect([-.infinity, -0.0, .infinity].map(function.call) == [-1, -0.0, 1])
        case .acosh: #expect(function.call(0.5).isNaN && function.call(1) == 0 && function.call(.infinity) == .infinity)
        case .atanh: #expect(function.call(2).isNaN && function.call(1) == .infinity && function.call(-1) == -.infinity)
        case .sin, .cos, .tan: #expect(function.call(.infinity).isNaN)
        case .ln, .log2, .log10: #expect(function.call(0) == -.infinity && function.call(-1).isNaN)
        case .asin, .acos: #expect(function.call(1.5).isNaN)
        case .atan: #expect(function.call(-0.0).sign == .minus)
        }
    }
}
