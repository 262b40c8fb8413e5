import { Turns } from '../limits/turns.ts'

/**
 * Passwords that this process hashes at a time, whoever asks: enough to keep Node's four threads
 * hashing while others ask the store. Who waits for a turn is asked for the limit when it comes, so
 * a thousand guesses sent at once cost a few hashes, not a thousand. Beyond some ten seconds of
 * waiting people are told to come back: a line without end would serve nobody, and hold memory.
 */
export const hashingTurns = new Turns(8, 400)
