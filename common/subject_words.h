/*
 * Words that the subjects of web forms and of shops begin with, in sixteen languages: presets of options, as an admin
 * writes them.
 */
#ifndef LEUMUND_SUBJECT_WORDS_H
#define LEUMUND_SUBJECT_WORDS_H

extern const char subject_words_preset[]; /* sign-up, confirmation, password */
extern const char trade_words_preset[];	  /* orders, invoices, shipping */
extern const char copy_words_preset[];	  /* before what a visitor wrote himself */

#endif
