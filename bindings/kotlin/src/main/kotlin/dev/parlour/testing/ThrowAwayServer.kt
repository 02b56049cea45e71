package dev.parlour.testing

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

private const val READY_WITHIN_S = 60L
private const val ENDS_WITHIN_S = 15L

/** Everybody comes from one address in a test, and from few devices. */
private const val CONFIG = """
[limits]
connects_per_second_per_address = 100000.0
connects_burst_per_address = 100000
calls_per_second_per_user = 100000.0
calls_burst_per_user = 100000
calls_per_second_per_device = 100000.0
calls_burst_per_device = 100000
failures_per_second_per_address = 100000.0
failures_burst_per_address = 100000

[drain]
deadline_s = 1
jitter_s = 1
"""

/** There is no program to run, or it doesn't start. */
public class NoServer(message: String) : RuntimeException(message)

/**
 * A server of one's own for tests, on free ports, with a folder that goes with it: `ThrowAwayServer().use { … }`.
 *
 * @param program the program; else that of the variable `PARLOUR_BIN`, else the `parlour` on the path.
 */
public class ThrowAwayServer(program: String? = null, config: String = CONFIG) : AutoCloseable {
    private val program = program ?: System.getenv("PARLOUR_BIN") ?: "parlour"
    private val root: Path = Files.createTempDirectory("parlour-test-")
    private var process: Process? = null

    /** Where clients connect. */
    public var address: String = "127.0.0.1:0"
        private set

    /** Where HTTP listens. */
    public var http: String = "127.0.0.1:0"
        private set

    /** The SHA-256 of its certificate. */
    public var certificate: String = ""
        private set

    init {
        Files.writeString(root.resolve("parlour.toml"), config)
        start()
    }

    /** Runs it, again with the ports and the data it had. */
    public fun start() {
        val log = ProcessBuilder.Redirect.appendTo(root.resolve("log").toFile())
        val words = words("serve", "--listen", address, "--http", http)
        val started = ProcessBuilder(words).redirectError(log).start()
        process = started
        started.outputStream.close()
        // A server that says nothing is ended, so that the line ends too.
        val limit = thread(isDaemon = true) {
            try {
                Thread.sleep(READY_WITHIN_S * 1000)
                started.destroyForcibly()
            } catch (_: InterruptedException) {
                // It was ready in time.
            }
        }
        val said = started.inputStream.bufferedReader().readLine().orEmpty()
        limit.interrupt()
        if ("is ready" !in said) {
            kill()
            throw NoServer("the server doesn't start: $said${log().takeLast(2000)}")
        }
        address = said.between("quic ", ",")
        http = said.between("http ", ",")
        certificate = said.between("sha-256 ", " ")
    }

    /** Ends it with SIGKILL, as a power cut would. */
    public fun kill() {
        process?.destroyForcibly()?.waitFor()
        process = null
    }

    /** Asks it to end, and removes its folder. */
    override fun close() {
        process?.run {
            destroy()
            if (!waitFor(ENDS_WITHIN_S, TimeUnit.SECONDS)) kill()
        }
        root.toFile().deleteRecursively()
    }

    /** A good token of somebody, who is made by it, and is called [name] from then on. */
    public fun token(subject: String, organization: String = "test", name: String? = null): String {
        val named = if (name == null) listOf() else listOf("--name", name)
        return run(listOf("token", "--org", organization, "--sub", subject) + named)
    }

    /** Runs a command of the program on the same data folder; what it prints. */
    public fun run(command: List<String>): String {
        val process = ProcessBuilder(words(*command.toTypedArray())).start()
        val printed = process.inputStream.bufferedReader().readText().trim()
        val complaint = process.errorStream.bufferedReader().readText()
        if (process.waitFor() != 0) throw NoServer("${command.first()}: $complaint")
        return printed
    }

    private fun words(vararg more: String): List<String> {
        val config = root.resolve("parlour.toml").toString()
        return listOf(program, "--config", config, "--data", root.resolve("data").toString()) + more
    }

    private fun log(): String = File(root.toFile(), "log").readText()
}

private fun String.between(before: String, behind: String): String =
    substringAfter(before).substringBefore(behind).trim()
