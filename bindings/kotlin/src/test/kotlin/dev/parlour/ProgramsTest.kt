package dev.parlour

import java.io.File
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import org.junit.jupiter.api.io.TempDir

/** Longer than a test may take. */
private const val WITHIN_S = 60L

private val RUNS = System.getenv("PARLOUR_RUNS")?.toInt() ?: 3

/** The examples as their own processes, and programs that end at any moment. */
internal class ProgramsTest {
    @Test
    fun `hello says hello and prints what comes back`() = test {
        val people = People()
        people.connect("bob").session { bob ->
            val program = start("hello.HelloKt", people, "ada", "bob")
            val room = bob.openRooms().use { rooms -> rooms.until { it.isNotEmpty() } }.single()
            bob.room(room.id).openTimeline().use { timeline ->
                timeline.until { timeline.texts == listOf("Hello!") }
                bob.room(room.id).send("Hello yourself")
            }
            assertEquals("Hello yourself", program.inputStream.bufferedReader().readLine())
            program.destroy()
        }
    }

    @Test
    fun `the bot says again what it hears`() = test {
        val people = People()
        val program = start("echobot.EchoBotKt", people, "bot")
        assertEquals("ready", program.inputStream.bufferedReader().readLine())
        people.connect("ada").session { ada ->
            val room = ada.openDirect("bot")
            room.openTimeline().use { timeline ->
                coroutineScope {
                    // What is said before the bot listens isn't handed to it.
                    val saying = launch { while (true) { room.send("Echo!"); kotlinx.coroutines.delay(200) } }
                    timeline.until { timeline.messages.any { it.info.sender != ada.me() } }
                    saying.cancel()
                }
                val answer = timeline.messages.first { it.info.sender != ada.me() }
                assertEquals("Echo!", answer.info.text)
            }
        }
        program.destroy()
    }

    @Test
    fun `two terminals talk`(@TempDir home: Path) = test {
        val people = People()
        people.connect("bob").session { bob ->
            val program = start("chat.ChatKt", people, "ada", "bob", home = home)
            program.outputStream.bufferedWriter().let { it.write("Hello, Bob\n"); it.flush() }
            val room = bob.openRooms().use { rooms -> rooms.until { it.isNotEmpty() } }.single()
            bob.room(room.id).openTimeline().use { timeline ->
                timeline.until { timeline.texts == listOf("Hello, Bob") }
                bob.room(room.id).send("Hello, Ada")
                val shown = program.inputStream.bufferedReader().lineSequence().first { "they:" in it }
                assertTrue(shown.endsWith("they: Hello, Ada"))
            }
            program.outputStream.bufferedWriter().let { it.write("/quit\n"); it.flush() }
            assertTrue(program.waitFor(30, TimeUnit.SECONDS))
            assertEquals(0, program.exitValue())
        }
    }

    @Test
    fun `a program ends with events in flight and without abort`() {
        for (ending in HowItEnds.entries) repeat(RUNS) {
            val program = start("dev.parlour.EndingKt", People(), "ada", ending.name)
            val said = program.errorStream.bufferedReader().readText()
            assertTrue(program.waitFor(60, TimeUnit.SECONDS), "$ending")
            assertEquals(ending.code to "", program.exitValue() to said, "$ending")
        }
    }

    private fun start(main: String, people: People, vararg words: String, home: Path? = null): Process {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val name = if (main.startsWith("dev.")) main else "dev.parlour.examples.$main"
        val homed = listOfNotNull(home?.let { "-Duser.home=$it" })
        val (subject) = words
        val arguments = listOf(people.of.address, people.of.certificate, people.token(subject)) + words.drop(1)
        val command = listOf(java, "-cp", System.getProperty("java.class.path")) + homed + name + arguments
        val process = ProcessBuilder(command).apply { environment()["BOB"] = people.token("bob") }.start()
        // One that hangs ends what waits for its output.
        thread(isDaemon = true) { if (!process.waitFor(WITHIN_S, TimeUnit.SECONDS)) process.destroyForcibly() }
        return process
    }
}

/** How a program ends. */
internal enum class HowItEnds(val code: Int) {
    /** Its main function returns while others still listen, in threads that don't keep it. */
    RETURNS(0),

    /** By `exitProcess`, in the middle. */
    EXITS(7),

    /** By an error that nobody catches. */
    THROWS(1),
}
