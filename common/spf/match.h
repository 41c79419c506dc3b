/*
 * Whether a mechanism matches.
 */
#ifndef LEUMUND_SPF_MATCH_H
#define LEUMUND_SPF_MATCH_H

enum spf_match { SPF_MATCH_NO, SPF_MATCH_YES, SPF_MATCH_STOPPED };

#endif
